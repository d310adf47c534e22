"""Batch norm over replicas: each half of a batch is normalised as in the whole."""

import keras
import numpy as np
import pytest

from genokeras.layers.batch_norm import BatchNorm, learning_batch_norms, over_replicas

X = np.random.default_rng(0).normal(3, 2, (8, 5, 4))


def built(**options):
    layer = BatchNorm(momentum=0.9, epsilon=1e-5, dtype="float64", name="norm", **options)
    layer.build((None, 5, 4))
    rng = np.random.default_rng(1)
    layer.gamma.assign(rng.uniform(0.5, 1.5, 4))
    layer.beta.assign(rng.normal(size=4))
    return layer


def statistics(layer):
    return np.array(layer.moving_mean), np.array(layer.moving_variance)


def test_parts_are_normalised_as_in_the_whole():
    whole, part = built(), built()
    expected = whole(X, training=True)
    mean, variance = X.mean((0, 1)), X.var((0, 1))
    for rows in (slice(0, 4), slice(4, 8)):
        for moving, start in ((part.moving_mean, np.zeros(4)), (part.moving_variance, np.ones(4))):
            moving.assign(start)
        given = iter((mean, variance))
        # A replica asks the others twice: for the mean, and for the variance around it.
        with over_replicas(lambda own, given=given: keras.ops.convert_to_tensor(next(given))):
            found = part(X[rows], training=True)
        np.testing.assert_allclose(found, expected[rows], rtol=1e-12)
        np.testing.assert_allclose(statistics(part), statistics(whole), rtol=1e-12)


def test_what_a_replica_tells_the_others_is_of_its_part():
    told = []
    with over_replicas(lambda own: told.append(np.array(own)) or own):
        alone = built()(X, training=True)
    np.testing.assert_allclose(told, [X.mean((0, 1)), X.var((0, 1))], rtol=1e-12)
    np.testing.assert_allclose(alone, built()(X, training=True), rtol=1e-12)


@pytest.mark.parametrize("trainable", [True, False])
def test_nobody_is_asked_in_prediction_or_of_a_frozen_layer(trainable):
    layer = built(trainable=trainable)
    with over_replicas(lambda own: pytest.fail("asked")):
        found = layer(X, training=not trainable)
    expected = X / np.sqrt(1 + 1e-5) * layer.gamma + layer.beta
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_of_16_bits_statistics_are_of_32():
    layer = BatchNorm(dtype="mixed_bfloat16")
    dtypes = []
    with over_replicas(
        lambda own: dtypes.append(keras.backend.standardize_dtype(own.dtype)) or own
    ):
        found = layer(X.astype(np.float32), training=True)
    assert dtypes == ["float32", "float32"]
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"


def test_models_with_batch_norm_are_known():
    inputs = keras.Input((5, 4))
    plain = keras.layers.LayerNormalization()(inputs)
    assert not learning_batch_norms(keras.Model(inputs, plain))
    norm, frozen = BatchNorm(), BatchNorm(trainable=False)
    assert learning_batch_norms(keras.Model(inputs, frozen(norm(plain)))) == [norm]
