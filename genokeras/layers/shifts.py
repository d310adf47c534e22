"""Predictions that hang less on where in its window a site lies."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class ShiftedCopies(keras.layers.Layer):
    """Stacks copies of a batch, shifted by -reach to +reach bp, when predicting only.

    A network that pools sees a site differently at even and odd places; the mean over shifts does
    so less. What is shifted in is zero, as padding is. Shapes: `[B, L, ...] -> [(2 reach + 1) B, L,
    ...]`; with a reach of 0, and when training, nothing is done.
    """

    def __init__(self, reach: int, **kwargs: Any):
        super().__init__(**kwargs)
        if reach < 0:
            raise ValueError(f"reach must be 0 or more, got {reach}")
        self.reach = reach

    def call(self, x: Any, training: bool = False) -> Any:
        if training or not self.reach:
            return x
        length = x.shape[1]
        # Padding a mask of bool would make integers of it on some backends.
        edge = ops.zeros_like(x[:, : self.reach])
        padded = ops.concatenate([edge, x, edge], axis=1)
        return ops.concatenate([padded[:, at : at + length] for at in range(2 * self.reach + 1)])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reach": self.reach}


@keras.saving.register_keras_serializable("genokeras")
class MeanOfShifts(keras.layers.Layer):
    """Undoes `ShiftedCopies` behind a network: the mean over the copies.

    Shapes: `[(2 reach + 1) B, T] -> [B, T]` when predicting; does nothing when training.
    """

    def __init__(self, reach: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.reach = reach

    def call(self, logits: Any, training: bool = False) -> Any:
        if training or not self.reach:
            return logits
        return ops.mean(ops.stack(ops.split(logits, 2 * self.reach + 1)), axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reach": self.reach}
