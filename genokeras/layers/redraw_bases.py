"""Mutation as augmentation: some bases of each example are drawn anew."""

import itertools
import zlib
from collections.abc import Sequence
from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles

UNIFORM = (0.25, 0.25, 0.25, 0.25)

_WHICH, _BASE = zlib.crc32(b"redraw_bases/which"), zlib.crc32(b"redraw_bases/base")


def redraw_bases(packed: Any, keys: Any, rate: float, shares: Sequence[float] = UNIFORM) -> Any:
    """Returns packed DNA in which each base is, with probability `rate`, drawn anew.

    `shares` are those of A, C, G, T among what is drawn. A draw may be the base that was there: of
    DNA in which base b has share p_b, the expected share of changed bases is
    `rate * (1 - sum_b p_b shares_b)`, which is 3/4 `rate` of uniform draws whatever the DNA. An
    ambiguous base always changes. Padding stays padding. Shapes: uint8 `[B, W]`, keys uint32 `[B]`.
    """
    if not rate:
        return packed
    nibbles = unpack_nibbles(packed)
    chosen = keyed_random.bernoulli(keys, (nibbles.shape[1],), _WHICH, rate)
    drawn = draw_bases(keys, nibbles.shape[1], _BASE, shares)
    chosen = ops.logical_and(chosen, ops.not_equal(nibbles, 0))
    return pack_nibbles(ops.where(chosen, drawn, nibbles))


def draw_bases(keys: Any, length: int, salt: int, shares: Sequence[float]) -> Any:
    """Returns random bases, int32 nibbles `[B, length]`; `shares` are those of A, C, G, T."""
    # T, G, C, A are bits 0 to 3 of a nibble.
    numbers = draw_numbers(keys, length, salt, shares[::-1])
    return ops.left_shift(ops.ones_like(numbers), numbers)


def draw_numbers(keys: Any, length: int, salt: int, shares: Sequence[float]) -> Any:
    """Returns random numbers from 0, int32 `[B, length]`, each with its share."""
    numbers = keyed_random.bits(keys, (length,), salt)
    # A draw is the number of thresholds that it passes.
    return sum(ops.cast(numbers >= limit, "int32") for limit in _thresholds(shares))


def _thresholds(shares: Sequence[float]) -> list[Any]:
    """Returns what uint32 random numbers have to reach for the second and each later outcome."""
    sums = list(itertools.accumulate(shares))
    limits = [min(round(2**32 * part / sums[-1]), 2**32 - 1) for part in sums[:-1]]
    return [ops.convert_to_tensor(limit, dtype="uint32") for limit in limits]
