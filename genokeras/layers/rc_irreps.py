"""Irreducible features: of each pair of channels what both strands agree on, and what they do not.

Of a regular pair `(a, b)` (`rc_strands`) `(a + b) / sqrt 2` is the same on the opposite strand, of
type +1, and `(a - b) / sqrt 2` changes its sign, of type -1; positions turn around for both.

Shapes: irreducible `[B, L, P + M]`, the `P` channels of type +1 first.
Reference: Mallet and Vert, "Reverse-complement equivariant networks for DNA sequences" (2021).
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops


def regular_to_irreps(x: Any) -> Any:
    """Changes the basis: regular `[..., 2 C] -> [..., C + C]`; orthonormal."""
    given, opposite = ops.split(x, 2, axis=-1)
    opposite = ops.flip(opposite, axis=-1)
    return ops.concatenate([given + opposite, given - opposite], axis=-1) / math.sqrt(2)


def irreps_to_regular(x: Any) -> Any:
    """Undoes `regular_to_irreps`."""
    plus, minus = ops.split(x, 2, axis=-1)
    opposite = ops.flip(plus - minus, axis=-1)
    return ops.concatenate([plus + minus, opposite], axis=-1) / math.sqrt(2)


@keras.saving.register_keras_serializable("genokeras")
class IrrepConv1D(keras.layers.Layer):
    """Convolution of irreducible features, of stride 1 and padding `same`.

    Between channels of one type kernels read the same from either end, between types they change
    their sign; only channels of type +1 have a bias. Shapes: `[B, L, plus_in + rest] -> [B, L, plus
    + minus]`. Parameters: half of an ordinary convolution's where types are evenly shared.
    """

    def __init__(self, plus_in: int, plus: int, minus: int, kernel_size: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not kernel_size % 2:
            raise ValueError(
                f"kernel_size={kernel_size} with padding 'same' puts one position more behind a "
                "sequence than before it, which breaks equivariance: use an odd size"
            )
        self.plus_in = plus_in
        self.plus = plus
        self.minus = minus
        self.kernel_size = kernel_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels, units = input_shape[-1], self.plus + self.minus
        fan_in = self.kernel_size * channels
        start = {"initializer": keras.initializers.RandomNormal(stddev=1 / math.sqrt(fan_in))}
        half = (self.kernel_size // 2, channels, units)
        self.half = self.add_weight(half, name="half", **start)
        plus, minus = (self.plus_in, self.plus), (channels - self.plus_in, self.minus)
        self.centre_plus = self.add_weight(plus, name="centre_plus", **start)
        self.centre_minus = self.add_weight(minus, name="centre_minus", **start)
        self.bias = self.add_weight((self.plus,), initializer="zeros", name="bias")
        types_in = np.where(np.arange(channels) < self.plus_in, 1, -1)
        self._signs = types_in[:, None] * np.where(np.arange(units) < self.plus, 1, -1)

    def call(self, x: Any) -> Any:
        half = ops.convert_to_tensor(self.half)
        other = ops.flip(half, axis=0) * ops.cast(self._signs, half.dtype)
        # Block diagonal: in the middle, types do not mix.
        plus = ops.pad(self.centre_plus, ((0, 0), (0, self.minus)))
        minus = ops.pad(self.centre_minus, ((0, 0), (self.plus, 0)))
        centre = ops.concatenate([plus, minus])[None]
        kernel = ops.concatenate([half, centre, other])
        bias = ops.pad(self.bias, (0, self.minus))
        return ops.conv(x, kernel, padding="same", data_format="channels_last") + bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.plus + self.minus)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "plus_in": self.plus_in,
            "plus": self.plus,
            "minus": self.minus,
            "kernel_size": self.kernel_size,
        }
