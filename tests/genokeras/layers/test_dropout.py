import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.layers.dropout import KeyedDropout

KEYS = np.arange(100, dtype=np.uint32)


def drop(layer, x, keys=KEYS, training=True):
    with keyed_random.scope(tf.constant(keys)):
        return np.asarray(layer(tf.constant(x), training=training))


def test_keeps_the_expectation_and_drops_the_rate():
    x = np.ones((100, 50, 20), np.float32)
    dropped = drop(KeyedDropout(0.2, name="drop"), x)
    assert set(np.unique(dropped)) == {0.0, np.float32(1.25)}
    assert dropped.mean() == pytest.approx(1, abs=4 * np.sqrt(0.2 / 0.8 / 1e5))


def test_an_examples_mask_does_not_depend_on_its_batch():
    layer = KeyedDropout(0.5, name="drop")
    x = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    whole = drop(layer, x)
    np.testing.assert_array_equal(drop(layer, x[:30], KEYS[:30]), whole[:30])
    np.testing.assert_array_equal(drop(layer, x[::-1], KEYS[::-1]), whole[::-1])


def test_layers_of_different_names_drop_different_units():
    x = np.ones((100, 200), np.float32)
    first, second = (drop(KeyedDropout(0.5, name=name), x) for name in ("a", "b"))
    both = np.mean((first > 0) & (second > 0))
    assert both == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(drop(KeyedDropout(0.5, name="a"), x), first)


def test_prediction_drops_nothing():
    x = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    np.testing.assert_array_equal(drop(KeyedDropout(0.5), x, training=False), x)
    np.testing.assert_array_equal(drop(KeyedDropout(0.0), x), x)


def test_noise_shape_drops_whole_channels():
    dropped = drop(KeyedDropout(0.5, noise_shape=(None, 1, None)), np.ones((100, 6, 4), np.float32))
    assert (dropped == dropped[:, :1]).all()
    assert 0 < (dropped == 0).mean() < 1


def test_without_keys_it_is_ordinary_dropout():
    x = np.ones((100, 100), np.float32)
    layer = KeyedDropout(0.5)
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
    assert first.mean() == pytest.approx(1, abs=0.05)


def test_gradient_is_the_mask():
    layer = KeyedDropout(0.25, name="drop")
    x = tf.ones((100, 10))
    with tf.GradientTape() as tape, keyed_random.scope(tf.constant(KEYS)):
        tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_allclose(tape.gradient(y, x), y)


def test_config_is_complete(assert_config_complete):
    assert_config_complete(KeyedDropout(0.3, noise_shape=(None, 1), seed=4, name="drop"))


def test_a_layer_that_does_not_learn_drops_nothing():
    layer = KeyedDropout(0.5, name="drop", trainable=False)
    x = np.ones((100, 10), np.float32)
    np.testing.assert_array_equal(drop(layer, x), x)
