"""Mutation as augmentation: some bases of each example are drawn anew."""

import zlib
from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles


def redraw_bases(packed: Any, keys: Any, rate: float) -> Any:
    """Returns packed DNA in which each base is, with probability `rate`, a uniform random base.

    One in four draws is the base that was there: the expected share of changed bases is 3/4 `rate`.
    Padding stays padding. Shapes: uint8 `[B, W]`, keys uint32 `[B]`.
    """
    if not rate:
        return packed
    nibbles = unpack_nibbles(packed)
    shape = (nibbles.shape[1],)
    chosen = keyed_random.bernoulli(keys, shape, _salt("redraw_bases/which"), rate)
    bases = keyed_random.randint(keys, shape, _salt("redraw_bases/base"), 4)
    drawn = ops.left_shift(ops.ones_like(bases), bases)
    chosen = ops.logical_and(chosen, ops.not_equal(nibbles, 0))
    return pack_nibbles(ops.where(chosen, drawn, nibbles))


def _salt(name: str) -> int:
    return zlib.crc32(name.encode())
