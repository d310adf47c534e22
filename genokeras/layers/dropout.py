"""Dropout whose mask belongs to the example and not to the batch."""

import zlib
from typing import Any

import keras
from keras import ops

from genokeras.layers import keyed_random


@keras.saving.register_keras_serializable("genokeras")
class KeyedDropout(keras.layers.Dropout):
    """Dropout that draws from the keys of `keyed_random.scope`, salted with the layer's name.

    A resumed or distributed run drops the same units of the same example. Outside of a scope it is
    ordinary Keras dropout, so that `model.fit` works in a notebook. In a layer that is not
    trainable it drops nothing.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        keys, training = keyed_random.current_keys(), training and self.trainable
        if keys is None or not training or self.rate == 0:
            return super().call(inputs, training=training)
        shape = self.noise_shape or (None,) * len(inputs.shape)
        shape = [n or size for n, size in zip(shape, ops.shape(inputs), strict=True)][1:]
        dropped = keyed_random.bernoulli(keys, shape, zlib.crc32(self.name.encode()), self.rate)
        return ops.where(dropped, ops.zeros_like(inputs), inputs * (1 / (1 - self.rate)))
