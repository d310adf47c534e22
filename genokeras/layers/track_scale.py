"""The level of each track, learnt faster than its shape."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

_FASTER = 30.0


@keras.saving.register_keras_serializable("genokeras")
class TrackScale(keras.layers.Layer):
    """Multiplies each track by a positive number of its own, 1 at the start.

    Some assays count hundredths of a read per bin and some thousands, and an optimizer like Adam
    moves every weight by about its learning rate per step, whatever the gradient: it would take
    thousands of steps to grow to thousands of reads. The logarithm of the scale is a weight
    times 30, which moves by 4.5% per step at a rate of .0015. With
    `opposites`, the track that each is on the opposite strand, both have one scale. Shapes:
    `[B, bins, T] -> [B, bins, T]`.
    """

    undecayed = True

    def __init__(self, opposites: Sequence[int] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.opposites = None if opposites is None else tuple(opposites)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.log_scale = self.add_weight(input_shape[-1:], initializer="zeros", name="log_scale")

    def call(self, x: Any) -> Any:
        log_scale = ops.convert_to_tensor(self.log_scale)
        if self.opposites is not None:
            log_scale = (log_scale + ops.take(log_scale, self.opposites)) / 2
        return x * ops.exp(_FASTER * log_scale)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "opposites": self.opposites}
