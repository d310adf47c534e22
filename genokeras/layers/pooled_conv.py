"""The step of a convolutional tower that halves (or more) its length."""

from typing import Any

import keras

from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.norm import Norm


@keras.saving.register_keras_serializable("genokeras")
class PooledConv(keras.layers.Layer):
    """`conv(gelu(norm(pool(x))))`: pooling first makes all that follows as much cheaper.

    Shapes: `[B, L, C] -> [B, L // pool_size, filters]`; `kernel_size` in positions after pooling.
    `equivariant`: of layers on regular features (`rc_strands`), half of the parameters.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        pool_size: int = 2,
        normalization: Norm = "layer",
        equivariant: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.normalization = normalization
        self.equivariant = equivariant

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        policy, layers = {"dtype": self.dtype_policy}, kinds(self.equivariant)
        self.pool = layers.pool(self.pool_size, name="pool", **policy)
        self.norm = layers.norm(self.normalization, name="norm", **policy)
        self.conv = layers.conv(
            self.filters,
            self.kernel_size,
            padding="same",
            # The next norm would take a bias out again.
            use_bias=False,
            kernel_initializer="lecun_normal",
            name="conv",
            **policy,
        )
        for layer in (self.norm, self.conv):
            layer.build(input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.conv(gelu(self.norm(self.pool(x), training=training)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, length, _ = input_shape
        return batch, length // self.pool_size, self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "pool_size": self.pool_size,
            "normalization": self.normalization,
            "equivariant": self.equivariant,
        }
