"""A layer that is computed again is the same layer: output, gradients, dropout, statistics."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.layers.recompute import Recompute
from genokeras.layers.residual_conv import ResidualConv
from genokeras.layers.transformer_block import TransformerBlock

SHAPE = (3, 16, 8)
ON_JAX = """
import jax, keras
from genokeras.layers import keyed_random
from genokeras.layers.recompute import Recompute
from genokeras.layers.residual_conv import ResidualConv

block = Recompute(ResidualConv(3, 2, "batch", 0.4, name="block"))
block.build(given["x"].shape)
trainable = [given[f"weight_{n}"] for n in range(len(block.trainable_variables))]
state = [variable.value for variable in block.non_trainable_variables]

def loss(trainable):
    pairs = zip([*block.trainable_variables, *block.non_trainable_variables], [*trainable, *state])
    with keras.StatelessScope(list(pairs)) as scope, keyed_random.scope(given["keys"]):
        output = block(given["x"], training=True)
    statistics = [v for v in block.non_trainable_variables if "moving" in v.path]
    moved = [scope.get_current_value(v) for v in statistics]
    return (output * given["slope"]).sum(), moved

gradients, moved = jax.jit(jax.grad(loss, has_aux=True))(trainable)
result = {f"gradient_{n}": g for n, g in enumerate(gradients)}
result |= {f"moved_{n}": value for n, value in enumerate(moved)}
"""


def conv(normalization="batch"):
    return ResidualConv(3, 2, normalization, 0.4, name="block")


def attention():
    return TransformerBlock(2, 16, 0.4, use_rotary=True, name="block")


@pytest.fixture
def given():
    rng = np.random.default_rng(0)
    x, slope = rng.normal(size=(2, *SHAPE)).astype(np.float32)
    return x, slope, rng.integers(0, 2**32, SHAPE[0], dtype=np.uint32)


def step(layer, x, slope, keys, *others):
    """Returns output, gradients and moved statistics of a step like that of the engine."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        # The scope ends before the gradient is taken, as in the engine.
        with keyed_random.scope(tf.convert_to_tensor(keys)):
            output = layer(x, *others, training=True)
        loss = tf.reduce_sum(output * slope)
    gradients = tape.gradient(loss, [x, *layer.trainable_variables])
    statistics = [v.value for v in layer.non_trainable_variables if "moving" in v.path]
    return output, *gradients, *statistics


def twins(make):
    """Returns a layer, and one with its weights that is computed again."""
    keras.utils.set_random_seed(0)
    plain, again = make(), Recompute(make())
    plain.build(SHAPE)
    again.build(SHAPE)
    again.set_weights(plain.get_weights())
    return plain, again


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize("make", [conv, lambda: conv("layer"), attention])
def test_same_output_gradients_and_statistics(make, mode, given):
    results = []
    for layer in twins(make):
        run = functools.partial(step, layer)
        if mode != "eager":
            run = tf.function(run, jit_compile=mode == "xla", autograph=False)
        results.append(run(*given))
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_masks_reach_the_layer(given):
    plain, again = twins(attention)
    mask = tf.constant(np.arange(SHAPE[1]) < [[16], [9], [4]])
    results = [step(layer, *given, mask) for layer in (plain, again)]
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_without_keys_it_drops_what_it_dropped(given):
    """In `model.fit` dropout draws from a generator, which must not move on between the two."""
    x, slope, _ = given
    _, again = twins(conv)
    identity = tf.Variable(np.ones((), np.float32))
    with tf.GradientTape() as tape:
        output = again(x * identity, training=True)
        loss = tf.reduce_sum(output * slope)
    found = tape.gradient(loss, identity)
    assert np.isfinite(found)
    seeds = [v for v in again.non_trainable_variables if "seed" in v.path]
    assert [int(v.value[1]) for v in seeds] == [1]


def test_on_jax(given, on_jax):
    _, again = twins(conv)
    x, slope, keys = given
    weights = {f"weight_{n}": w.numpy() for n, w in enumerate(again.trainable_variables)}
    theirs = on_jax(ON_JAX, x=x, slope=slope, keys=keys, **weights)
    _, _, *ours = step(again, *given)
    gradients = len(again.trainable_variables)
    names = [*(f"gradient_{n}" for n in range(gradients)), *(f"moved_{n}" for n in range(4))]
    for name, value in zip(names, ours, strict=True):
        np.testing.assert_allclose(theirs[name], value, rtol=1e-3, atol=1e-4)


def test_predicting_is_the_layer(given):
    plain, again = twins(conv)
    np.testing.assert_array_equal(again(given[0]), plain(given[0]))


def test_saved_and_loaded(given, tmp_path):
    _, again = twins(conv)
    inputs = keras.Input(SHAPE[1:])
    model = keras.Model(inputs, again(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(given[0]), model(given[0]))
