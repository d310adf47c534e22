"""Features that hold both strands: what reading the opposite strand does to them is known.

A regular feature has an even number of channels, of which the first half belongs to the given
strand and the second, backwards, to the opposite one: channel `c` of `2 C` is paired with channel
`2 C - 1 - c`. The reverse complement of a window turns features around in both axes, positions and
channels, as it does one-hot DNA in the order A, C, G, T, which is a regular feature itself. A layer
is equivariant if turning what goes in turns what comes out, and does nothing else.

Layers: the modules `rc_*` of this folder. Shapes: `[B, L, 2 C]`, or `[B, 2 C]` behind pooling.
Reference: Mallet and Vert, "Reverse-complement equivariant networks for DNA sequences" (2021).
"""

from typing import Any

import keras
from keras import ops


def half_of(channels: int, what: str) -> int:
    """Returns the channels of one strand; `what` they are is told if there is an odd number."""
    if channels % 2:
        raise ValueError(
            f"{what} must be even, got {channels}: half of the channels belong to either strand"
        )
    return channels // 2


def turned(x: Any) -> Any:
    """Returns regular features as the opposite strand has them."""
    return ops.flip(x, axis=tuple(range(1, x.ndim)))


def split_strands(x: Any) -> Any:
    """Returns `[B, ..., 2 C] -> [2 B, ..., C]`: first given strands, then opposite ones.

    Each is read 5'->3', so any one function of all is equivariant; it does not mix the strands.
    """
    given, opposite = ops.split(x, 2, axis=-1)
    return ops.concatenate([given, turned(opposite)])


def join_strands(x: Any) -> Any:
    """Undoes `split_strands`: `[2 B, ..., C] -> [B, ..., 2 C]`."""
    given, opposite = ops.split(x, 2)
    return ops.concatenate([given, turned(opposite)], axis=-1)


def both_masks(mask: Any) -> Any:
    """Returns masks `[B, L] -> [2 B, L]` of what `split_strands` gives."""
    return ops.concatenate([mask, ops.flip(mask, axis=1)])


@keras.saving.register_keras_serializable("genokeras")
class SplitStrands(keras.layers.Layer):
    """`split_strands` as a layer: `[B, ..., 2 C] -> [2 B, ..., C]`; a mask `[B, L] -> [2 B, L]`."""

    def call(self, x: Any) -> Any:
        return both_masks(x) if x.dtype == "bool" else split_strands(x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        if len(input_shape) == 2:
            return (None, input_shape[1])
        return (None, *input_shape[1:-1], half_of(input_shape[-1], "channels"))


@keras.saving.register_keras_serializable("genokeras")
class JoinStrands(keras.layers.Layer):
    """`join_strands` as a layer: `[2 B, ..., C] -> [B, ..., 2 C]`."""

    def call(self, x: Any) -> Any:
        return join_strands(x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *input_shape[1:-1], 2 * input_shape[-1])


@keras.saving.register_keras_serializable("genokeras")
class StrandMean(keras.layers.Layer):
    """The mean of what pooled features say of either strand: `[B, 2 C] -> [B, C]`, invariant."""

    def call(self, x: Any) -> Any:
        given, opposite = ops.split(x, 2, axis=-1)
        return (given + ops.flip(opposite, axis=-1)) / 2

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], half_of(input_shape[-1], "channels"))


@keras.saving.register_keras_serializable("genokeras")
class PerStrand(keras.layers.Wrapper):
    """A layer applied to either strand by itself, with the same weights: a norm, say.

    The statistics of a batch norm are those of both strands of its examples. Shapes:
    `[B, ..., 2 C] -> [B, ..., 2 C]`, the layer being one of `C` channels.
    """

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:  # It is where a saved model is loaded.
            self.layer.build((*input_shape[:-1], half_of(input_shape[-1], "channels")))
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        return join_strands(self.layer(split_strands(x), training=training))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape
