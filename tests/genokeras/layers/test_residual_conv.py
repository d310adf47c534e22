import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.layers.gelu import gelu
from genokeras.layers.norm import norm
from genokeras.layers.residual_conv import ResidualConv


def built(**options):
    block = ResidualConv(3, dtype="float64", name="block", **options)
    block.build((None, 9, 4))
    rng = np.random.default_rng(0)
    block.set_weights([rng.uniform(0.5, 1.5, size=w.shape) for w in block.get_weights()])
    return block


def numpy_gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("dilation", [1, 2])
def test_equals_an_independent_forward_pass(dilation):
    block = built(dilation=dilation)
    x = np.random.default_rng(1).normal(size=(3, 9, 4))
    weights = {w.path.split("block/")[-1]: np.asarray(w) for w in block.weights}

    def layer_norm(x, name):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    hidden = numpy_gelu(layer_norm(x, "first_norm"))
    padded = np.pad(hidden, ((0, 0), (dilation, dilation), (0, 0)))
    hidden = sum(
        padded[:, i * dilation : i * dilation + 9] @ weights["conv/kernel"][i] for i in range(3)
    )
    hidden = numpy_gelu(layer_norm(hidden, "second_norm")) @ weights["dense/kernel"]
    np.testing.assert_allclose(block(x), x + hidden, atol=1e-7)


def test_reaches_as_far_as_its_dilated_kernel():
    block, x = built(dilation=3), np.random.default_rng(1).normal(size=(1, 9, 4))
    edited = x.copy()
    edited[0, 4, 0] += 1.0
    changed = np.abs(np.asarray(block(edited)) - block(x)).max(axis=(0, 2)) > 1e-9
    np.testing.assert_array_equal(np.flatnonzero(changed), [1, 4, 7])


def test_dropout_is_keyed_and_only_in_training():
    block, x = built(dropout=0.5), np.random.default_rng(1).normal(size=(2, 9, 4))
    with keyed_random.scope(tf.constant([1, 2], tf.uint32)):
        first, again = block(x, training=True), block(x, training=True)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - block(x)).max() > 0.1


def test_norms_have_flax_constants():
    batch, slow, layer = norm("batch"), norm("slow_batch"), norm("layer")
    assert (slow.momentum, slow.epsilon, layer.epsilon) == (0.99, 1e-5, 1e-6)
    assert (batch.momentum, batch.epsilon) == (0.9, 1e-5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(norm("none")(x), x)


def test_batch_norm_predicts_with_moving_statistics():
    block, x = built(normalization="batch"), np.random.default_rng(1).normal(3, 2, (50, 9, 4))
    before = np.asarray(block(x))
    np.testing.assert_array_equal(block(x), before)
    assert np.abs(block(x, training=True) - before).max() > 0.1
    assert np.abs(block(x) - before).max() > 0


def test_gelu_is_the_tanh_form():
    x = np.linspace(-4, 4, 81)
    np.testing.assert_allclose(gelu(tf.constant(x)), numpy_gelu(x), atol=1e-8)


def test_config_is_complete(assert_config_complete):
    assert_config_complete(ResidualConv(5, 2, "batch", 0.1, name="block"))
