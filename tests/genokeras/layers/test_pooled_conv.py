import keras
import numpy as np
import pytest

from genokeras.layers.gelu import gelu
from genokeras.layers.pooled_conv import PooledConv


@pytest.mark.parametrize("pool_size", [1, 2, 3])
def test_pools_first_and_then_convolves(pool_size):
    x = np.random.default_rng(0).normal(size=(2, 13, 4)).astype(np.float32)
    layer = PooledConv(6, 3, pool_size, "none")
    found = layer(x)
    length = 13 // pool_size
    pooled = x[:, : length * pool_size].reshape(2, length, pool_size, 4).max(axis=2)
    kernel = layer.conv.kernel.numpy()
    hidden = np.pad(np.asarray(gelu(pooled)), ((0, 0), (1, 1), (0, 0)))
    expected = sum(hidden[:, tap : tap + length] @ kernel[tap] for tap in range(3))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert layer.compute_output_shape((None, 13, 4)) == (None, length, 6)


def test_training_normalises_by_the_batch():
    x = 5 + 3 * np.random.default_rng(0).normal(size=(4, 12, 4)).astype(np.float32)
    layer = PooledConv(6, 3, 2, "batch")
    shift = layer(100 + x, training=True) - layer(x, training=True)
    np.testing.assert_allclose(shift, np.zeros_like(shift), atol=1e-3)
    assert [w.name for w in layer.trainable_variables] == ["gamma", "beta", "kernel"]


def test_config_is_complete(assert_config_complete):
    assert_config_complete(PooledConv(6, 3, 2, "batch", name="step"))
    inputs = keras.Input((12, 4))
    model = keras.Model(inputs, PooledConv(6, 3, name="step")(inputs))
    assert keras.Model.from_config(model.get_config()).output_shape == (None, 6, 6)
