"""Noise on the one-hot matrix as augmentation."""

import zlib
from typing import Any

import keras
from keras import ops

from genokeras.layers import keyed_random

_SALT = zlib.crc32(b"one_hot_noise")


@keras.saving.register_keras_serializable("genokeras")
class OneHotNoise(keras.layers.Layer):
    """Adds normal noise of the given standard deviation in training; padding stays zero.

    It is drawn from the keys of the examples. Shapes: one-hot `[B, L, 4]` and mask `[B, L]` ->
    `[B, L, 4]`.
    """

    def __init__(self, deviation: float, **kwargs: Any):
        super().__init__(**kwargs)
        if deviation < 0:
            raise ValueError(f"expected a deviation of at least 0, got {deviation}")
        self.deviation = deviation

    def call(self, one_hot: Any, mask: Any, training: bool = False) -> Any:
        keys = keyed_random.current_keys()
        if not training or not self.deviation or keys is None:
            return one_hot
        noise = self.deviation * keyed_random.normal(keys, one_hot.shape[1:], _SALT)
        is_dna = ops.cast(ops.expand_dims(mask, -1), one_hot.dtype)
        return one_hot + ops.cast(noise, one_hot.dtype) * is_dna

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "deviation": self.deviation}
