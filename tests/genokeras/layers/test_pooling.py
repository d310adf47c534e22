import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers.max_pool import MaxPool1D
from genokeras.layers.pooling import AttentionPool1D, MaxMeanPool1D


def features(length=7, channels=3):
    return np.random.default_rng(0).normal(size=(4, length, channels)).astype(np.float32)


MASK = np.array([[1, 1, 1, 1, 0, 0, 0], [1] * 7, [0, 0, 1, 1, 1, 1, 0], [1] + [0] * 6], bool)


def test_attention_pool_starts_as_the_mean():
    x = features()
    np.testing.assert_allclose(AttentionPool1D()(x), x.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(AttentionPool1D(2)(x), np.tile(x.mean(axis=1), 2), rtol=1e-5)


def test_attention_pool_with_sharp_scores_picks_a_position():
    """A kernel of 1000 on channel 0 is the vector where channel 0 is largest."""
    x, layer = features(), AttentionPool1D()
    layer.build(x.shape)
    layer.set_weights([np.array([[1000.0], [0.0], [0.0]])])
    picked = x[np.arange(4), x[..., 0].argmax(axis=1)]
    np.testing.assert_allclose(layer(x), picked, rtol=1e-4)


def test_attention_pool_equals_its_formula():
    x, layer = features(), AttentionPool1D(2)
    layer.build(x.shape)
    kernel = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    layer.set_weights([kernel])
    shares = np.exp(x @ kernel)
    shares /= shares.sum(axis=1, keepdims=True)
    expected = np.concatenate([(shares[..., [h]] * x).sum(axis=1) for h in range(2)], axis=-1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5)


@pytest.mark.parametrize("layer", [AttentionPool1D(2), MaxMeanPool1D()])
def test_padding_counts_for_nothing(layer):
    x = features()
    pooled = layer(x, padding_mask=MASK)
    for row in range(4):
        alone = layer(x[row : row + 1, MASK[row]])
        np.testing.assert_allclose(pooled[row], alone[0], rtol=1e-5)
    np.testing.assert_allclose(layer(x, padding_mask=np.ones((4, 7), bool)), layer(x), rtol=1e-6)


@pytest.mark.parametrize("layer", [AttentionPool1D(), MaxMeanPool1D()])
def test_nothing_but_padding_gives_finite_numbers_and_gradients(layer):
    x = tf.constant(features())
    with tf.GradientTape() as tape:
        tape.watch(x)
        pooled = layer(x, padding_mask=np.zeros((4, 7), bool))
    assert np.isfinite(pooled).all()
    assert np.isfinite(tape.gradient(pooled, x)).all()


def test_max_and_mean_are_numpys():
    x = features()
    expected = np.concatenate([x.max(axis=1), x.mean(axis=1)], axis=1)
    np.testing.assert_allclose(MaxMeanPool1D()(x), expected, rtol=1e-5)


def test_pooling_over_positions_does_not_see_their_order():
    x, order = features(), [6, 2, 0, 1, 5, 3, 4]
    np.testing.assert_allclose(MaxMeanPool1D()(x), MaxMeanPool1D()(x[:, order]), rtol=1e-5)


@pytest.mark.parametrize(("length", "pool_size"), [(6, 2), (7, 2), (7, 3), (2, 2)])
def test_max_pool_equals_the_ordinary_one(length, pool_size):
    x = features(length)
    expected = tf.nn.max_pool1d(x, pool_size, pool_size, "VALID")
    np.testing.assert_array_equal(MaxPool1D(pool_size)(x), expected)


def test_max_pool_of_a_mask_is_any():
    pooled = MaxPool1D(2)(tf.constant(MASK))
    np.testing.assert_array_equal(pooled, MASK[:, :6].reshape(4, 3, 2).any(axis=2))


def test_max_pool_leads_the_gradient_to_the_maximum():
    x = tf.constant([[[1.0], [3.0], [2.0], [0.0], [9.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        pooled = MaxPool1D(2)(x)
    np.testing.assert_array_equal(tape.gradient(pooled, x)[0, :, 0], [0, 1, 1, 0, 0])


def test_configs_are_complete(assert_config_complete):
    assert_config_complete(AttentionPool1D(3))
    assert_config_complete(MaxPool1D(3))
    assert_config_complete(MaxMeanPool1D(name="pool"))
