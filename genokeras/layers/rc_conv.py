"""Convolution and dense layer on regular features, with half of the usual parameters."""

from typing import Any

import keras
from keras import ops

from genokeras.layers.rc_strands import half_of


@keras.saving.register_keras_serializable("genokeras")
class RcConv1D(keras.layers.Layer):
    """Convolution of which either half of the filters is the reverse complement of the other.

    An ordinary convolution whose kernel is `W` beside `W[::-1, ::-1, ::-1]`, and so it is
    equivariant where its windows lie symmetrically in what it reads: an even kernel with padding
    `same` or a stride that leaves more over at one end is refused.

    Shapes: regular `[B, L, 2 C] -> [B, L', filters]`, regular; kernel `[kernel_size, 2 C, filters /
    2]`, bias `[filters / 2]`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        dilation_rate: int = 1,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        half_of(filters, "filters")
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be valid or same, got {padding!r}")
        if padding == "same" and not kernel_size % 2:
            raise ValueError(
                f"kernel_size={kernel_size} with padding 'same' puts one position more behind a "
                "sequence than before it, which breaks equivariance: use an odd size, or 'valid'"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        half_of(input_shape[-1], "channels")
        if self.strides > 1:
            self._check_length(input_shape[1])
        shape = (self.kernel_size, input_shape[-1], self.filters // 2)
        self.kernel = self.add_weight(shape, initializer=self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape[-1:], initializer="zeros", name="bias")

    def _check_length(self, length: int | None) -> None:
        if length is None:
            raise ValueError("strides > 1 need a length that is known: what is left over counts")
        left_over = (self._positions(length) - 1) * self.strides + self._reach() - length
        if left_over % 2 if self.padding == "same" and left_over >= 0 else left_over:
            raise ValueError(
                f"a stride of {self.strides} over {length} positions (kernel of {self._reach()}, "
                f"padding {self.padding!r}) leaves more over at one end than at the other, which "
                "breaks equivariance: use another length"
            )

    def _reach(self) -> int:
        return (self.kernel_size - 1) * self.dilation_rate + 1

    def _positions(self, length: int) -> int:
        fitting = length if self.padding == "same" else length - self._reach() + 1
        return -(-fitting // self.strides)

    def call(self, x: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        kernel = ops.concatenate([kernel, ops.flip(kernel, axis=(0, 1, 2))], axis=2)
        x = ops.conv(
            x,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
            dilation_rate=self.dilation_rate,
        )
        return x + _mirrored(self.bias) if self.use_bias else x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        length = input_shape[1]
        return (input_shape[0], length and self._positions(length), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("genokeras")
class RcDense(keras.layers.Dense):
    """Dense layer of which either half of the units is the reverse complement of the other.

    Adapters (`enable_lora`) change the kernel, and so leave that as it is. Shapes: regular
    `[..., 2 C] -> [..., units]`, regular; kernel `[2 C, units / 2]`, bias `[units / 2]`.
    """

    def __init__(self, units: int, activation: Any = None, **kwargs: Any):
        half_of(units, "units")
        super().__init__(units, activation, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        half_of(input_shape[-1], "channels")
        # The weights are those of half of the units.
        units, self.units = self.units, self.units // 2
        super().build(input_shape)
        self.units = units

    def call(self, x: Any, training: bool | None = None) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        x = ops.matmul(x, ops.concatenate([kernel, ops.flip(kernel, axis=(0, 1))], axis=1))
        x = x + _mirrored(self.bias) if self.use_bias else x
        return self.activation(x)


def _mirrored(bias: Any) -> Any:
    bias = ops.convert_to_tensor(bias)
    return ops.concatenate([bias, ops.flip(bias, axis=0)])
