"""Masking as augmentation: spans of each example become N, so that no single motif says it all."""

import math
import zlib
from typing import Any

from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles

_SALT = zlib.crc32(b"mask_spans")
_N = 15


def mask_spans(packed: Any, keys: Any, rate: float, span_bp: int = 1) -> Any:
    """Returns packed DNA in which each base is, with probability `rate`, hidden by an N.

    A span of `span_bp` begins at each place, also before the window, with the same probability p,
    `(1 - p)**span_bp = 1 - rate`; spans may overlap and reach over the ends. What a network sees of
    an N is up to the `ambiguous` of `OneHot`. Padding stays padding. Shapes: uint8 `[B, W]`, keys
    uint32 `[B]`.
    """
    if not rate:
        return packed
    nibbles = unpack_nibbles(packed)
    begins = -math.expm1(math.log1p(-rate) / span_bp)
    hidden = keyed_random.bernoulli(keys, (nibbles.shape[1] + span_bp - 1,), _SALT, begins)
    covered = 1  # So many bases back it is known whether a span began there.
    while covered < span_bp:
        step = min(covered, span_bp - covered)
        hidden = ops.logical_or(hidden[:, step:], hidden[:, :-step])
        covered += step
    hidden = ops.logical_and(hidden, ops.not_equal(nibbles, 0))
    return pack_nibbles(ops.where(hidden, _N, nibbles))
