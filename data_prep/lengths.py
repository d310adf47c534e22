"""Sequences cropped or padded to one length, the same on both strands."""

from collections.abc import Sequence

import numpy as np

from tfrecords import sequence as dna


def resize(sequences: Sequence[str], length: int) -> list[str]:
    """Returns the centre of longer sequences, and pads shorter ones: `length` letters each.

    Both ends lose or gain the same. Where that leaves one base over, it is taken from (or added to)
    the right end of the canonical strand (`sequence.canonical`: T before G before C before A), so
    that the reverse complement of a resized sequence is the resized reverse complement, and both
    strands stay recognisable as one.
    ACGT becomes CG for `length=2` and -ACGT- for `length=6`.
    """
    sizes = np.fromiter(map(len, sequences), np.int64, len(sequences))
    left = np.abs(sizes - length) // 2
    for size in np.unique(sizes[(sizes - length) % 2 == 1]):
        rows = np.flatnonzero(sizes == size)
        packed = dna.encode([sequences[row] for row in rows], int(size))
        left[rows] += (packed != dna.canonical(packed, int(size))).any(axis=1)
    return [
        text[start : start + length] if len(text) > length else _pad(text, start, length)
        for text, start in zip(sequences, left.tolist(), strict=True)
    ]


def _pad(text: str, left: int, length: int) -> str:
    return ("-" * left + text).ljust(length, "-")
