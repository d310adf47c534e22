"""Motifs written into examples as augmentation, to teach a model that they mean nothing.

Labels stay as they are. So this is for distractors: artefacts of sequencing (adapters, primers),
and motifs that are known to have nothing to do with the task. The motif of what is to be predicted
would be taught away.
"""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from genokeras.layers import keyed_random
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles
from tfrecords import sequence

MOTIF = re.compile("[ACGTURYSWKMBDHVN]+", re.IGNORECASE)

_WHETHER, _WHICH, _WHERE, _BASE = (
    zlib.crc32(f"insert_motif/{draw}".encode()) for draw in ("whether", "which", "where", "base")
)
# A code stands for 1 to 4 bases, and 12 can be shared out evenly among any number of these.
_CHOICES = 12


def insert_motif(packed: Any, keys: Any, motifs: Sequence[str], rate: float) -> Any:
    """Returns packed DNA in which a share `rate` of the examples holds one of `motifs`.

    All motifs are equally likely, and so are strands and places; of a code of several bases one is
    drawn. The motif is written over what is there, so the length stays. It never covers padding: an
    example in which no place is long enough is left alone. Shapes: uint8 `[B, W]`, keys uint32
    `[B]`.
    """
    if not rate:
        return packed
    words, sizes = _both_strands(motifs)
    nibbles = unpack_nibbles(packed)
    which = keyed_random.randint(keys, (1,), _WHICH, len(words))[:, 0]
    bases = _draw_bases(ops.take(words, which, axis=0), keys)
    size = ops.expand_dims(ops.take(sizes, which), 1)
    fits = _fits(ops.not_equal(nibbles, 0), size, words.shape[1])
    # The place with the largest random number is one at random.
    numbers = keyed_random.bits(keys, (nibbles.shape[1],), _WHERE)
    numbers = ops.cast(ops.right_shift(numbers, ops.convert_to_tensor(1, "uint32")), "int32")
    place = ops.argmax(ops.where(fits, numbers, -1), axis=1, keepdims=True)
    chosen = keyed_random.bernoulli(keys, (1,), _WHETHER, rate)
    chosen = ops.logical_and(chosen, ops.any(fits, axis=1, keepdims=True))
    at = ops.arange(nibbles.shape[1], dtype="int32") - ops.cast(place, "int32")
    inside = ops.logical_and(chosen, ops.logical_and(at >= 0, at < size))
    inserted = ops.take_along_axis(bases, ops.clip(at, 0, words.shape[1] - 1), axis=1)
    return pack_nibbles(ops.where(inside, inserted, nibbles))


def _both_strands(motifs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns every motif and its reverse complement as bit sets `[2 M, longest]`, and lengths."""
    longest = max(map(len, motifs))
    words = np.zeros((2 * len(motifs), longest), np.int32)
    for row, motif in enumerate(motifs):
        packed = sequence.encode([motif], len(motif))
        for strand in (packed, sequence.reverse_complement(packed, len(motif))):
            bits = sequence.unpack(strand, len(motif), ambiguous="one")[0]
            words[row, : len(motif)] = bits @ [8, 4, 2, 1]
            row += len(motifs)
    return words, np.array([*map(len, motifs)] * 2, np.int32)


def _draw_bases(words: Any, keys: Any) -> Any:
    """Returns bit sets `[B, M]` with one base in place of every code."""
    table = np.zeros((16, _CHOICES), np.int32)
    for code in range(1, 16):
        bases = [bit for bit in (8, 4, 2, 1) if code & bit]
        table[code] = np.repeat(bases, _CHOICES // len(bases))
    choice = keyed_random.randint(keys, (words.shape[1],), _BASE, _CHOICES)
    return ops.take(table.ravel(), words * _CHOICES + choice)


def _fits(is_base: Any, size: Any, longest: int) -> Any:
    """Returns bool `[B, P]`: whether `size` bases `[B, 1]` in a row begin at a place."""
    places = is_base.shape[1]
    padded = ops.pad(is_base, ((0, 0), (0, longest)))
    fits = is_base
    for offset in range(1, longest):
        here = padded[:, offset : offset + places]
        fits = ops.logical_and(fits, ops.logical_or(here, offset >= size))
    return fits
