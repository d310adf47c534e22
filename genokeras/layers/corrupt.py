"""What a masked language model has to see through: some bases hidden, replaced, or left alone.

Bases are chosen, never tokens: every token that covers a hidden base is then unknown, and k-mers
around it can not tell it. Shapes: packed uint8 `[B, W]`, keys uint32 `[B]`.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from keras import ops

from genokeras.layers.mask_spans import begun, spread
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles
from genokeras.layers.redraw_bases import UNIFORM, draw_bases, draw_numbers

_SPANS, _ACTIONS = zlib.crc32(b"corrupt/spans"), zlib.crc32(b"corrupt/actions")
_BASES = zlib.crc32(b"corrupt/bases")
_MASKED, _RANDOM, _NUM_ACTIONS = 0, 1, 3
_N = 15


def corrupt(
    packed: Any,
    keys: Any,
    rate: float,
    span_bp: int = 1,
    actions: Sequence[float] = (1.0, 0.0, 0.0),
    background: Sequence[float] = UNIFORM,
) -> tuple[Any, Any]:
    """Returns corrupted DNA, and the bases to predict, bool `[B, 2 W]`.

    Each base is chosen with probability `rate`, by spans as in `mask_spans`. A span, not a base by
    itself, is masked (its bases become N), replaced by random bases, or kept, with the shares
    `actions`; of spans that overlap the one that begins last decides. Random bases are drawn from
    `background`, the shares of A, C, G, T, and are the original ones by chance: a draw that avoids
    these would tell which they are not. Only A, C, G and T are chosen, not N and padding.

    What a masked or random base shows of the original is nothing; what kept ones show is
    told by `genokeras.metrics.leakage`.
    """
    nibbles = unpack_nibbles(packed)
    length = nibbles.shape[1]
    begins = begun(keys, length, _SPANS, rate, span_bp)
    places = begins.shape[1]
    # Place and action as one number: the largest is that of the last span to begin.
    span = _NUM_ACTIONS * ops.arange(places, dtype="int32") + 1
    span = ops.where(begins, span + draw_numbers(keys, places, _ACTIONS, actions), 0)
    span = spread(span, span_bp, ops.maximum)
    is_base = ops.equal(ops.bitwise_and(nibbles, nibbles - 1), 0) & ops.not_equal(nibbles, 0)
    chosen, action = ops.logical_and(span > 0, is_base), (span - 1) % _NUM_ACTIONS
    drawn = draw_bases(keys, length, _BASES, background)
    replaced = ops.where(ops.equal(action, _RANDOM), drawn, nibbles)
    replaced = ops.where(ops.equal(action, _MASKED), _N, replaced)
    return pack_nibbles(ops.where(chosen, replaced, nibbles)), chosen
