"""Rearrangement as augmentation: a deletion, insertion, inversion or translocation in an example.

The length stays. An event happens within a stretch of bases without padding and without what is to
be kept, and moves nothing outside of it. Shapes: packed uint8 `[B, W]`, keys uint32 `[B]`, `keep`
bool `[2 W]` or `[B, 2 W]`, true at bases that stay where and what they are.
"""

import zlib
from typing import Any, Literal

import numpy as np
from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles

Event = Literal["deletion", "insertion", "inversion", "translocation"]

# A, C, G, T are the bits 8, 4, 2, 1, so that a complement is a nibble read backwards.
COMPLEMENT = np.array([int(f"{nibble:04b}"[::-1], 2) for nibble in range(16)], np.int32)


def rearrange(
    packed: Any, keys: Any, event: Event, rate: float, longest_bp: int, keep: Any | None = None
) -> Any:
    """Returns packed DNA with an event in a share `rate` of the examples.

    It begins at a base of which each is as likely, and is 1 to `longest_bp` long, each as likely,
    or up to the end of its stretch. `deletion`: what is behind moves up, and random bases fill the
    end. `insertion`: of random bases; what is behind moves down, and the last ones are lost.
    `inversion`: these bases become their reverse complement. `translocation`: of any length; the
    stretch is cut there, and its two parts change places.
    """
    if not rate:
        return packed
    nibbles = unpack_nibbles(packed)
    salts = (zlib.crc32(f"rearrange/{event}/{draw}".encode()) for draw in _DRAWS)
    whether, where, size, base = salts
    is_free = ops.not_equal(nibbles, 0)
    if keep is not None:
        is_free = ops.logical_and(is_free, ops.logical_not(keep))
    first = _one_of(is_free, keys, where)
    places = ops.expand_dims(ops.arange(nibbles.shape[1], dtype="int32"), 0)
    begin, end = _stretch(is_free, places, first)
    count = ops.minimum(1 + keyed_random.randint(keys, (1,), size, longest_bp), end - first)
    source, is_fresh, is_turned = _plan(event, places, first, count, begin, end)
    moved = ops.take_along_axis(nibbles, ops.clip(source, 0, nibbles.shape[1] - 1), axis=1)
    moved = ops.where(is_turned, ops.take(COMPLEMENT, moved), moved)
    random = ops.left_shift(
        ops.ones_like(nibbles), keyed_random.randint(keys, nibbles.shape[1:], base, 4)
    )
    moved = ops.where(is_fresh, random, moved)
    chosen = keyed_random.bernoulli(keys, (1,), whether, rate)
    inside = ops.logical_and(places >= begin, places < end)
    inside = ops.logical_and(inside, ops.logical_and(chosen, ops.any(is_free, 1, keepdims=True)))
    return pack_nibbles(ops.where(inside, moved, nibbles))


_DRAWS = ("whether", "where", "size", "base")


def _one_of(is_free: Any, keys: Any, salt: int) -> Any:
    """Returns `[B, 1]`: a place that is free, at random."""
    numbers = keyed_random.bits(keys, is_free.shape[1:], salt)
    numbers = ops.cast(ops.right_shift(numbers, ops.convert_to_tensor(1, "uint32")), "int32")
    place = ops.argmax(ops.where(is_free, numbers, -1), axis=1, keepdims=True)
    return ops.cast(place, "int32")


def _stretch(is_free: Any, places: Any, first: Any) -> tuple[Any, Any]:
    """Returns begin and end `[B, 1]` of the stretch of free places around `first`."""
    last = is_free.shape[1]
    is_end = ops.logical_not(is_free)
    before = ops.where(ops.logical_and(is_end, places < first), places + 1, 0)
    behind = ops.where(ops.logical_and(is_end, places > first), places, last)
    return ops.max(before, axis=1, keepdims=True), ops.min(behind, axis=1, keepdims=True)


def _plan(
    event: Event, places: Any, first: Any, count: Any, begin: Any, end: Any
) -> tuple[Any, Any, Any]:
    """Returns for each place where its base comes from, whether it is new, whether turned."""
    nothing = places < 0
    if event == "translocation":
        size = ops.maximum(end - begin, 1)
        return begin + ops.mod(places - begin + first - begin, size), nothing, nothing
    if event == "inversion":
        is_inside = ops.logical_and(places >= first, places < first + count)
        source = ops.where(is_inside, 2 * first + count - 1 - places, places)
        return source, nothing, is_inside
    if event == "deletion":
        return ops.where(places >= first, places + count, places), places >= end - count, nothing
    is_new = ops.logical_and(places >= first, places < first + count)
    return ops.where(places >= first, places - count, places), is_new, nothing
