"""Absolute positions added to features (rotary ones are part of the attention)."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class AddPositions(keras.layers.Layer):
    """Adds a vector per position, learned (zero at the start) or sinusoidal.

    Shapes: `[B, L, C] -> [B, L, C]`.
    """

    def __init__(self, kind: Literal["learned", "sinusoidal"], **kwargs: Any):
        super().__init__(**kwargs)
        if kind not in ("learned", "sinusoidal"):
            raise ValueError(f"kind must be learned or sinusoidal, got {kind!r}")
        self.kind = kind

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.kind == "learned":
            self.table = self.add_weight(input_shape[1:], initializer="zeros", name="table")

    def call(self, x: Any) -> Any:
        table = self.table if self.kind == "learned" else sinusoids(x.shape[1], x.shape[2])
        return x + ops.cast(table, x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind}


def sinusoids(length: int, channels: int) -> np.ndarray:
    """Returns `[length, channels]`: sines in the first half of the channels, then cosines."""
    num_sines = (channels + 1) // 2
    turns = np.outer(np.arange(length), 10_000.0 ** (-np.arange(num_sines) / num_sines))
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=1)[:, :channels]
