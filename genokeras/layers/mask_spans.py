"""Masking as augmentation: spans of each example become N, so that no single motif says it all."""

import math
import zlib
from collections.abc import Callable
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
    hidden = spread(begun(keys, nibbles.shape[1], _SALT, rate, span_bp), span_bp)
    hidden = ops.logical_and(hidden, ops.not_equal(nibbles, 0))
    return pack_nibbles(ops.where(hidden, _N, nibbles))


def begun(keys: Any, length: int, salt: int, rate: float, span_bp: int) -> Any:
    """Returns where spans begin that cover a share `rate` of `length` bases.

    Bool `[B, length + span_bp - 1]`, from the first place of which a span reaches the first base.
    """
    begins = -math.expm1(math.log1p(-rate) / span_bp)
    return keyed_random.bernoulli(keys, (length + span_bp - 1,), salt, begins)


def spread(values: Any, span_bp: int, join: Callable[[Any, Any], Any] = ops.logical_or) -> Any:
    """Returns what `join` makes of the values of all spans that cover a base, `[B, length]`."""
    covered = 1  # So many bases back it is known whether a span began there.
    while covered < span_bp:
        step = min(covered, span_bp - covered)
        values = join(values[:, step:], values[:, :-step])
        covered += step
    return values
