import keras
import numpy as np
import pytest

from genokeras.layers import keyed_random
from genokeras.layers.one_hot_noise import OneHotNoise

ONE_HOT = np.zeros((50, 40, 4), np.float32)
MASK = np.arange(40) < np.full((50, 1), 30)
KEYS = keras.ops.convert_to_tensor(np.arange(50, dtype=np.uint32))


def test_noise_is_normal_drawn_from_keys_and_only_on_dna_in_training():
    layer = OneHotNoise(0.2)
    with keyed_random.scope(KEYS):
        first, second = (np.asarray(layer(ONE_HOT, MASK, training=True)) for _ in range(2))
        np.testing.assert_array_equal(layer(ONE_HOT, MASK), ONE_HOT)
    np.testing.assert_array_equal(first, second)
    assert (first[:, 30:] == 0).all()
    assert first[:, :30].std() == pytest.approx(0.2, rel=0.03)
    assert abs(first[:, :30].mean()) < 0.01
    assert OneHotNoise.from_config(layer.get_config()).deviation == 0.2


def test_a_deviation_below_zero_is_refused():
    with pytest.raises(ValueError, match="a deviation of at least 0, got -1"):
        OneHotNoise(-1)
