import numpy as np
import tensorflow as tf
from scipy.special import softmax

from genokeras.layers import keyed_random
from genokeras.layers.transformer_block import TransformerBlock


def built(**options):
    block = TransformerBlock(2, 6, dtype="float64", name="block", **options)
    block.build((None, 5, 4))
    rng = np.random.default_rng(0)
    block.set_weights([rng.normal(size=w.shape) for w in block.get_weights()])
    return block


def numpy_block(weights, x):
    """An independent forward pass with Flax's constants: epsilon 1e-6, GELU by tanh."""

    def norm(x, name):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    def dense(x, name):
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    y = norm(x, "attention_norm")
    query, key, value = (
        np.moveaxis(dense(y, f"attention/{name}").reshape(*x.shape[:2], 2, 2), 2, 1)
        for name in ("query", "key", "value")
    )
    shares = softmax(query @ np.swapaxes(key, -1, -2) / np.sqrt(2), axis=-1)
    x = x + dense(np.moveaxis(shares @ value, 1, 2).reshape(x.shape), "attention/output")
    hidden = dense(norm(x, "feedforward_norm"), "expand")
    hidden = hidden / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3)))
    return x + dense(hidden, "project")


def test_equals_an_independent_forward_pass():
    block, x = built(), np.random.default_rng(1).normal(size=(3, 5, 4))
    weights = {w.path.split("block/")[-1]: np.asarray(w) for w in block.weights}
    np.testing.assert_allclose(block(x), numpy_block(weights, x), atol=1e-9)


def test_has_the_parameters_of_the_chapters_block():
    """Two norms, four projections and two dense layers of 64 channels: 25,216."""
    block = TransformerBlock(8, 64)
    block.build((None, 50, 64))
    assert block.count_params() == 2 * 128 + 6 * (64 * 64 + 64) == 487_169 - 461_953


def test_dropout_is_keyed_and_only_in_training():
    block, x = built(dropout=0.5), np.random.default_rng(1).normal(size=(3, 5, 4))
    with keyed_random.scope(tf.constant([1, 2, 3], tf.uint32)):
        first, again = block(x, training=True), block(x, training=True)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - block(x)).max() > 0.1
    np.testing.assert_array_equal(block(x), block(x))


def test_config_is_complete(assert_config_complete):
    rotary = {"use_rotary": True, "periods": (10.5,), "pairing": "interleaved"}
    options = rotary | {"normalization": "rms", "gated": True}
    assert_config_complete(TransformerBlock(2, 6, 0.1, dtype="float64", name="block", **options))


def test_gated_with_rms_norm_equals_an_independent_forward_pass():
    """`x + project(gelu(expand(n)) * gate(n))` of `n = x / rms(x) * scale`, attention aside."""
    block, x = (
        built(gated=True, normalization="rms"),
        np.random.default_rng(1).normal(size=(3, 5, 4)),
    )
    weights = {w.path.split("block/")[-1]: np.asarray(w) for w in block.weights}

    def norm(x, name):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * weights[f"{name}/scale"]

    def dense(x, name):
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    x2 = x + np.asarray(block.attention(norm(x, "attention_norm")))
    y = norm(x2, "feedforward_norm")
    hidden = dense(y, "expand")
    hidden = hidden / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3)))
    expected = x2 + dense(hidden * dense(y, "gate"), "project")
    np.testing.assert_allclose(block(x), expected, atol=1e-9)
