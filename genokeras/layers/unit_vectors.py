"""Vectors of length one, and the temperature by which a loss divides their similarities."""

import math
from typing import Any

import keras
from keras import ops

_LEAST_TEMPERATURE = 0.01  # As in CLIP (arXiv:2103.00020), where less makes training unstable.
_LEAST_SQUARE = 1e-12


@keras.saving.register_keras_serializable("genokeras")
class UnitVectors(keras.layers.Layer):
    """Divides vectors by their length: `[B, D] -> [B, D]`; a vector of zeros stays zero.

    With `first_temperature` a temperature is learned that begins there: a weight of this layer,
    which the loss behind it asks for.
    """

    undecayed = True

    def __init__(self, first_temperature: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.first_temperature = first_temperature

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.first_temperature is not None:
            first = keras.initializers.Constant(math.log(self.first_temperature))
            self._log_temperature = self.add_weight((), first, name="log_temperature")

    def temperature(self) -> Any:
        """Returns the temperature that is learned, at least 0.01."""
        return ops.maximum(ops.exp(self._log_temperature), _LEAST_TEMPERATURE)

    def call(self, x: Any) -> Any:
        square = ops.sum(ops.square(x), axis=-1, keepdims=True)
        return x * ops.rsqrt(ops.maximum(square, _LEAST_SQUARE))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "first_temperature": self.first_temperature}
