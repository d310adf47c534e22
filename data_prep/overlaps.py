"""Windows of different splits that overlap on the genome, and groups that are in several splits.

Shapes: `N` rows. What is found of a row is a set of splits, uint8, bit `i` for split `i`.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from data_prep import intervals
from data_prep.intervals import Intervals
from data_prep.scratch import Column
from data_prep.sequence_keys import find_copies
from tfrecords.manifest import SPLITS

PAIRS = tuple(itertools.combinations(range(len(SPLITS)), 2))
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Shared:
    """What splits share.

    Attributes:
        found: uint8 `[N]`, the other splits with which each row shares something.
        counts: For each of `PAIRS` how much they share, in base pairs or groups.
    """

    found: np.ndarray
    counts: dict[tuple[int, int], int]


def find_overlaps(
    chrom_id: Column, start: Column, split: np.ndarray, *, length: int, shift_bp: int = 0
) -> Shared:
    """Returns which windows overlap one of another split, and how many bases are in both.

    A base counts once for a pair of splits, however many windows hold it.

    Args:
        chrom_id: Negative where a row has no place in the genome; such rows overlap nothing.
        start: First base of the window without what is stored beside it.
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
        length: Bases of a stored sequence, those beside the window included: they count as well.
        shift_bp: So many of them are before `start`.
    """

    def windows(block: slice, code: int) -> tuple[np.ndarray, Intervals]:
        chroms, starts = chrom_id[block], start[block] - shift_bp
        is_here = (split[block] == code) & (chroms >= 0)
        first = starts[is_here]
        return is_here, Intervals(chroms[is_here], np.maximum(first, 0), first + length)

    blocks = [slice(at, at + _BLOCK) for at in range(0, len(split), _BLOCK)]
    covered = []
    for code in range(len(SPLITS)):
        union = _Union()
        for block in blocks:
            union.add(windows(block, code)[1])
        covered.append(union.merged())
    counts = {
        (first, second): _num_bases(covered[first])
        + _num_bases(covered[second])
        - _num_bases(intervals.merge(intervals.concatenate([covered[first], covered[second]])))
        for first, second in PAIRS
    }
    found = np.zeros(len(split), np.uint8)
    for pair in (pair for pair in PAIRS if counts[pair]):
        for code, other in (pair, pair[::-1]):
            for block in blocks:
                is_here, here = windows(block, code)
                is_over = intervals.overlaps(here, covered[other])
                found[block][is_here] |= is_over.astype(np.uint8) << other
    return Shared(found, counts)


def find_shared_groups(groups: Column, split: np.ndarray) -> Shared:
    """Returns which rows are of a group that is in another split too, and how many groups are.

    Args:
        groups: uint64 `[N]`, one number for the rows of a group.
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
    """
    found = np.zeros(len(split), np.uint8)
    counts = dict.fromkeys(PAIRS, 0)
    for members in find_copies(groups):
        codes = split[members.rows]
        own = np.where(codes < 0, 0, 1 << np.maximum(codes, 0)).astype(np.uint8)
        masks = np.bitwise_or.reduceat(own, members.starts)
        for first, second in PAIRS:
            counts[first, second] += int((masks >> first & masks >> second & 1).sum())
        others = np.repeat(masks, members.sizes) & ~own
        found[members.rows] = np.where(own > 0, others, 0)
    return Shared(found, counts)


class _Union:
    """The union of intervals that come in blocks: merged whenever as many are new as are merged."""

    def __init__(self):
        self._merged = Intervals(*np.zeros((3, 0), np.int64))
        self._new: list[Intervals] = []

    def add(self, added: Intervals) -> None:
        self._new.append(added)
        if sum(map(len, self._new)) >= max(_BLOCK, len(self._merged)):
            self.merged()

    def merged(self) -> Intervals:
        if self._new:
            self._merged = intervals.merge(intervals.concatenate([self._merged, *self._new]))
            self._new = []
        return self._merged


def _num_bases(a: Intervals) -> int:
    return int((a.end - a.start).sum())
