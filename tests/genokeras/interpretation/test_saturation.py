"""Edits that are followed through a network have the effects that whole predictions have."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from genokeras.interpretation.saturation import cut_model, edit_effects
from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.training import precision
from genokeras.training.tensorflow_flops import graph_flops

LENGTH = 48


@pytest.fixture(autouse=True)
def exactly():
    """Everything in 64 bits: what differs is not rounding."""
    with precision.scope("float64"):
        yield


def network(build, length=LENGTH):
    """Returns a functional model of DNA with random weights; `build` maps one-hot to features."""
    keras.utils.set_random_seed(0)
    one_hot, mask = keras.Input((length, 4)), keras.Input((length,), dtype="bool")
    model = keras.Model([one_hot, mask], build(one_hot))
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(variable + 0.02 * np.abs(rng.normal(size=variable.shape)))
    return model


def dna(length=LENGTH, seed=1):
    bases = np.random.default_rng(seed).integers(0, 4, length)
    return np.eye(4)[bases][None], np.ones((1, length), bool)


def one_by_one(model, one_hot, mask):
    """Returns the effects `[L, 3, T]` as whole predictions have them."""
    length = one_hot.shape[1]
    edited = np.repeat(one_hot, 3 * length, axis=0).reshape(length, 3, length, 4)
    base = one_hot[0].argmax(axis=-1)
    for edit in range(3):
        rows = np.arange(length)
        edited[rows, edit, rows] = np.eye(4)[(base + edit + 1) % 4]
    edited = edited.reshape(-1, length, 4)
    found = model.predict([edited, np.repeat(mask, len(edited), axis=0)], verbose=0)
    plain = model.predict([one_hot, mask], verbose=0)
    return (found - plain).reshape(length, 3, *plain.shape[1:])


def end(x):
    return layers.Dense(2)(layers.Flatten()(x))


def conv(filters, size, **options):
    return layers.Conv1D(filters, size, **options)


def residual(x):
    x = conv(8, 5, padding="same")(x)
    for dilation in (1, 2, 4):
        y = layers.Activation("gelu")(layers.BatchNormalization()(x))
        y = conv(8, 3, padding="same", dilation_rate=dilation)(y)
        x = layers.Add()([x, layers.Dense(8, "relu")(y)])
    return end(layers.MaxPooling1D(4)(x))


def branches(x):
    a = layers.MaxPooling1D(2, padding="same")(conv(6, 7, padding="same", activation="gelu")(x))
    b = conv(4, 4, padding="same", strides=2, activation="tanh")(x)
    c = layers.LayerNormalization()(layers.Concatenate()([a, b]))
    return layers.Dense(3)(layers.GlobalMaxPooling1D()(layers.Multiply()([c, c])))


NETWORKS = {
    "plain": lambda x: end(layers.MaxPooling1D(2)(conv(8, 10, padding="same")(x))),
    "valid": lambda x: end(layers.AveragePooling1D(3)(conv(8, 7, activation="relu")(x))),
    "strided": lambda x: end(conv(6, 5, strides=3, padding="same", activation="gelu")(x)),
    "even_strided": lambda x: end(conv(6, 6, strides=2)(conv(5, 4, activation="relu")(x))),
    "overlapping_pools": lambda x: end(layers.MaxPooling1D(5, 2, "same")(conv(6, 3)(x))),
    "mean": lambda x: layers.Dense(2)(layers.GlobalAveragePooling1D()(conv(6, 9)(x))),
    "residual": residual,
    "branches": branches,
}


def agrees(model, length=LENGTH):
    one_hot, mask = dna(length)
    expected = one_by_one(model, one_hot, mask)
    found, stops = edit_effects(model, one_hot, mask)
    span = expected.max() - expected.min()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * span)
    return stops


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("length", [48, 53])
def test_effects_are_those_of_whole_predictions(name, length):
    stops = agrees(network(NETWORKS[name], length), length)
    assert all("flatten" in stop for stop in stops)


@pytest.mark.parametrize("rc", ["average", "augment"])
@pytest.mark.parametrize("preset", ["tiny", "fast", "conv", "conv_v2", "add_one_transformer_block"])
def test_presets(preset, rc):
    config = dataclasses.replace(cnn_attention.PRESETS[preset], rc=rc)
    keras.utils.set_random_seed(0)
    model = cnn_attention.build(config, Spec(LENGTH, ("y",)))
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.dtype == "float64":
            variable.assign(variable + 0.01 * np.abs(rng.normal(size=variable.shape)))
    agrees(cut_model(model))


def test_effects_of_a_linear_model_are_its_weights():
    model = network(lambda x: layers.Dense(1)(layers.Flatten()(x)))
    one_hot, mask = dna()
    weights = np.asarray(model.layers[-1].kernel).reshape(LENGTH, 4)
    base = one_hot[0].argmax(axis=-1)
    found, _ = edit_effects(model, one_hot, mask)
    for edit in range(3):
        there, then = (weights[np.arange(LENGTH), (base + n) % 4] for n in (0, edit + 1))
        np.testing.assert_allclose(found[:, edit, 0], then - there, atol=1e-12)


@pytest.mark.parametrize(("name", "share"), [("residual", 0.5), ("branches", 0.4), ("plain", 0.3)])
def test_multiplications_are_saved(name, share):
    """Of a window ten times as long as what a base reaches, as FLOPs of the programs."""
    length = 480
    model = network(NETWORKS[name], length)
    one_hot, mask = dna(length)
    fast = tf.function(lambda x, m: edit_effects(model, x, m)[0], autograph=False)
    whole = tf.function(lambda x, m: model([x, m], training=False), autograph=False)
    edits = 3 * length
    done = graph_flops(fast.get_concrete_function(one_hot, mask).graph)
    every = np.repeat(one_hot, edits, 0), np.repeat(mask, edits, 0)
    naive = graph_flops(whole.get_concrete_function(*every).graph)
    assert done < share * naive
