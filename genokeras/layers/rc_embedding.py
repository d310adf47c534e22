"""Tokens to regular features."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from genokeras.layers.rc_strands import half_of


@keras.saving.register_keras_serializable("genokeras")
class RcEmbedding(keras.layers.Layer):
    """A vector per token, beside that of its reverse complement backwards.

    `opposites[t]` is the token that `t` is on the opposite strand; a special token is its own.
    Shapes: int `[B, L] -> [B, L, units]`, regular; table `[tokens, units / 2]`. Reference:
    Caduceus, arXiv:2403.03234.
    """

    def __init__(self, opposites: Sequence[int], units: int, **kwargs: Any):
        super().__init__(**kwargs)
        half_of(units, "units")
        check_opposites(opposites)
        self.opposites = tuple(int(token) for token in opposites)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (len(self.opposites), self.units // 2)
        self.table = self.add_weight(shape, initializer="uniform", name="table")

    def call(self, tokens: Any) -> Any:
        table = ops.convert_to_tensor(self.table)
        opposite = ops.flip(ops.take(table, self.opposites, axis=0), axis=1)
        return ops.take(ops.concatenate([table, opposite], axis=1), tokens, axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape, self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "opposites": self.opposites, "units": self.units}


def check_opposites(opposites: Sequence[int]) -> None:
    """Raises `ValueError` unless the opposite of the opposite is the same again."""
    count = len(opposites)
    if any(not 0 <= t < count for t in opposites) or any(
        opposites[t] != i for i, t in enumerate(opposites)
    ):
        raise ValueError(f"opposites must swap numbers from 0 in pairs, got {tuple(opposites)}")
