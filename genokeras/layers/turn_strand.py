"""The opposite strand as augmentation, on the device."""

import zlib
from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles
from genokeras.layers.rearrange import COMPLEMENT

_SALT = zlib.crc32(b"turn_strand")


def turn_strand(packed: Any, keys: Any, length: int, rate: float) -> Any:
    """Returns packed DNA of which a share `rate` is the reverse complement of what was given.

    Shapes: uint8 `[B, ceil(length/2)]`, keys uint32 `[B]`.
    """
    if not rate:
        return packed
    if rate == 1:
        return reverse_complement(packed, length)
    chosen = keyed_random.bernoulli(keys, (1,), _SALT, rate)
    return ops.where(chosen, reverse_complement(packed, length), packed)


def reverse_complement(packed: Any, length: int) -> Any:
    """Returns the opposite strand, read 5'->3', of packed sequences `[B, ceil(length/2)]`."""
    nibbles = ops.flip(unpack_nibbles(packed)[:, :length], axis=1)
    return pack_nibbles(ops.pad(ops.take(COMPLEMENT, nibbles), ((0, 0), (0, length % 2))))
