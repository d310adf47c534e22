"""The window that a model reads, cut out of stored sequences: shifted at random, or in the middle.

Shapes: stored sequences of `length + 2 * shift_bp` bp, packed uint8 `[B, ceil(stored/2)]`, keys
uint32 `[B]`; windows uint8 `[B, ceil(length/2)]`, their last half byte zero if `length` is odd.
"""

import zlib
from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles

MAX_SHIFT_BP = 32767  # So that the places of a window can be told by 16 bits.

_SALT = zlib.crc32(b"shift_window")


def shift_window(
    packed: Any, keys: Any, length: int, shift_bp: int, max_shift_bp: int | None = None
) -> Any:
    """Returns windows that begin up to `max_shift_bp` before or after the one in the middle.

    All `2 * max_shift_bp + 1` places are equally likely. The bases that come in are those of the
    genome. None: `shift_bp`, all that is stored.
    """
    most = shift_bp if max_shift_bp is None else max_shift_bp
    if not 0 <= most <= shift_bp:
        raise ValueError(f"shifts of up to {most} bp, but {shift_bp} bp are stored on either side")
    if not most:
        return centre_window(packed, length, shift_bp)
    starts = keyed_random.randint(keys, (1,), _SALT, 2 * most + 1) + (shift_bp - most)
    places = starts + ops.expand_dims(ops.arange(length, dtype="int32"), 0)
    return _pack(ops.take_along_axis(unpack_nibbles(packed), places, axis=1))


def centre_window(packed: Any, length: int, shift_bp: int) -> Any:
    """Returns the windows in the middle; that of the reverse complement is on the same bases."""
    if not shift_bp:
        return packed
    return _pack(unpack_nibbles(packed)[:, shift_bp : shift_bp + length])


def _pack(nibbles: Any) -> Any:
    return pack_nibbles(ops.pad(nibbles, ((0, 0), (0, nibbles.shape[1] % 2))))
