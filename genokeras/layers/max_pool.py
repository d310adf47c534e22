"""Max pooling by reshape and maximum, which compilers fuse."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class MaxPool1D(keras.layers.Layer):
    """Maximum over runs of `pool_size` positions; an incomplete run at the end is left out.

    Shapes: `[B, L, ...] -> [B, L // pool_size, ...]`. A bool mask becomes true where any of a run
    is.
    """

    def __init__(self, pool_size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def call(self, x: Any) -> Any:
        length = x.shape[1] // self.pool_size
        if x.shape[1] % self.pool_size:
            # Not `x[:, :end]`, whose gradient TensorFlow computes several times slower.
            shape = (ops.shape(x)[0], length * self.pool_size, *x.shape[2:])
            x = ops.slice(x, [0] * len(shape), shape)
        runs = ops.reshape(x, (-1, length, self.pool_size, *x.shape[2:]))
        return ops.any(runs, axis=2) if x.dtype == "bool" else ops.max(runs, axis=2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": self.pool_size}
