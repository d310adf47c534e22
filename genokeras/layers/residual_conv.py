"""The residual block of the convolutional tower."""

from typing import Any

import keras

from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.norm import Norm


@keras.saving.register_keras_serializable("genokeras")
class ResidualConv(keras.layers.Layer):
    """`x + dense(dropout(gelu(norm(conv(gelu(norm(x)))))))`, all with as many channels as `x`.

    Neither convolution nor dense layer has a bias: the next norm would take it out again.
    `equivariant`: of layers on regular features (`rc_strands`), half of the parameters.
    Shapes: `[B, L, C] -> [B, L, C]`; `kernel_size` and `dilation` in positions.
    """

    def __init__(
        self,
        kernel_size: int,
        dilation: int = 1,
        normalization: Norm = "layer",
        dropout: float = 0.0,
        equivariant: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.normalization = normalization
        self.dropout = dropout
        self.equivariant = equivariant

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels, layers = input_shape[-1], kinds(self.equivariant)
        options = {"use_bias": False, "kernel_initializer": "lecun_normal"}
        policy = {"dtype": self.dtype_policy}
        self.first_norm = layers.norm(self.normalization, name="first_norm", **policy)
        self.second_norm = layers.norm(self.normalization, name="second_norm", **policy)
        self.conv = layers.conv(
            channels,
            self.kernel_size,
            padding="same",
            dilation_rate=self.dilation,
            name="conv",
            **options,
            **policy,
        )
        # The name salts the random numbers, so it must differ between blocks.
        self.drop = layers.dropout(self.dropout, name=f"{self.name}_dropout", **policy)
        self.dense = layers.dense(channels, name="dense", **options, **policy)
        for layer in (self.first_norm, self.conv, self.second_norm, self.dense):
            layer.build(input_shape)

    def call(self, x: Any, training: bool = False) -> Any:
        hidden = self.conv(gelu(self.first_norm(x, training=training)))
        hidden = gelu(self.second_norm(hidden, training=training))
        return x + self.dense(self.drop(hidden, training=training))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "normalization": self.normalization,
            "dropout": self.dropout,
            "equivariant": self.equivariant,
        }
