"""Several networks in one model, trained apart and averaged when predicting."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class MeanOfMembers(keras.layers.Layer):
    """The mean of the members' logits when predicting; all of them, stacked, when training.

    Members that learn from their mean become parts of one network; members that each answer for
    their own loss stay different, and averaging takes out what only one of them believes (deep
    ensembles, arXiv:1612.01474). `mean_over_members` turns stacked losses into one per example.
    Shapes: a list of M `[B, T] -> [B, T]` when predicting, `[M B, T]` when training.
    """

    def call(self, logits: Sequence[Any], training: bool = False) -> Any:
        return ops.concatenate(logits) if training else sum(logits) / len(logits)

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        return (None, *input_shape[0][1:])


def for_each_member(x: Any, members: int) -> Any:
    """Returns what belongs to a batch once for each member: `[B, ...] -> [members B, ...]`."""
    return x if members == 1 else ops.concatenate([x] * members)


def mean_over_members(x: Any, members: int) -> Any:
    """Returns the mean of what all members make of an example: `[members B, ...] -> [B, ...]`."""
    return ops.mean(ops.reshape(x, (members, -1, *x.shape[1:])), axis=0)
