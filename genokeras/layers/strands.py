"""Predictions that do not depend on which strand was given."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class BothStrands(keras.layers.Layer):
    """Stacks the opposite strand below a batch when predicting; does nothing when training.

    Training sees one strand of an example at a time (the reader draws which), because seeing both
    at once overfits. Shapes: `[B, L, ...] -> [2 B, L, ...]`; a mask `[B, L]` is read backwards
    only.
    """

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            return x
        opposite = ops.flip(x, axis=1)
        return ops.concatenate([x, ops.flip(opposite, axis=2) if x.ndim == 3 else opposite])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])


@keras.saving.register_keras_serializable("genokeras")
class MeanOfStrands(keras.layers.Layer):
    """Undoes `BothStrands` behind a network: the mean of the two strands' logits.

    `strand_pairs[t]` is the task that is task `t` on the opposite strand. Tracks are read backwards
    there, and those of `cut_sites` are one base further on (`tfrecords.strands.turn`); the first
    base has them of the given strand only. Shapes: `[2 B, T] -> [B, T]`, or `[2 B, bins, T] ->
    [B, bins, T]`, when predicting; does nothing when training.
    """

    def __init__(
        self,
        strand_pairs: Sequence[int] | None = None,
        cut_sites: Sequence[int] = (),
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.strand_pairs = None if strand_pairs is None else tuple(strand_pairs)
        self.cut_sites = tuple(cut_sites)

    def call(self, logits: Any, training: bool = False) -> Any:
        if training:
            return logits
        given, opposite = ops.split(logits, 2)
        if logits.ndim == 3:
            opposite = ops.flip(opposite, axis=1)
        if self.strand_pairs is not None:
            opposite = ops.take(opposite, self.strand_pairs, axis=-1)
        if self.cut_sites:
            moved = ops.concatenate([given[:, :1], opposite[:, :-1]], axis=1)
            is_cut = np.isin(np.arange(logits.shape[-1]), self.cut_sites)
            opposite = ops.where(is_cut, moved, opposite)
        return (given + opposite) / 2

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        own = {"strand_pairs": self.strand_pairs, "cut_sites": self.cut_sites}
        return {**super().get_config(), **own}
