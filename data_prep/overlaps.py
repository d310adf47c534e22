"""Windows of different splits that overlap on the genome, and groups that are in several splits.

Shapes: `N` rows. What is found of a row is a set of splits, uint8, bit `i` for split `i`.
"""

import itertools
from dataclasses import dataclass

import numpy as np

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

    A base counts once for a pair of splits, however many windows hold it. Only windows of one part
    of the genome are in memory at a time.

    Args:
        chrom_id: Negative where a row has no place in the genome; such rows overlap nothing.
        start: First base of the window without what is stored beside it.
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
        length: Bases of a stored sequence, those beside the window included: they count as well.
        shift_bp: So many of them are before `start`.
    """
    line = _Line(chrom_id, start, split, length)
    found = np.zeros(len(split), np.uint8)
    counts = dict.fromkeys(PAIRS, 0)
    for first, last in itertools.pairwise(line.cuts()):
        rows, places = line.between(first - length, last + length)
        codes = split[rows]
        places_of = [np.sort(places[codes == code]) for code in range(len(SPLITS))]
        bases = [_num_bases(starts, length, first, last) for starts in places_of]
        is_inside = (places >= first) & (places < last)
        for pair in PAIRS:
            either = np.sort(np.concatenate([places_of[code] for code in pair]))
            shared = sum(bases[code] for code in pair) - _num_bases(either, length, first, last)
            counts[pair] += shared
            for code, other in (pair, pair[::-1]):
                here = is_inside & (codes == code)
                begun = np.searchsorted(places_of[other], places[here] + length, side="left")
                ended = np.searchsorted(places_of[other], places[here] - length, side="right")
                found[rows[here]] |= (begun > ended).astype(np.uint8) << other
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


class _Line:
    """Where windows begin, as if all chromosomes lay on one line, too far apart to share a base."""

    def __init__(self, chrom_id: Column, start: Column, split: np.ndarray, length: int):
        self._columns, self._split = (chrom_id, start), split
        self._blocks = [slice(at, at + _BLOCK) for at in range(0, len(split), _BLOCK)]
        furthest = max((int(start[block].max()) for block in self._blocks), default=0)
        self._span = furthest + 2 * length

    def _places(self, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """Returns the places of a block, and which of them are in the genome and in a split."""
        chroms, starts = (column[block] for column in self._columns)
        return chroms * np.int64(self._span) + starts, (self._split[block] >= 0) & (chroms >= 0)

    def cuts(self) -> list[int]:
        """Returns the ends of parts with about `_BLOCK` windows each, found from a sample."""
        sample = [np.zeros(0, np.int64)]
        for block in self._blocks:
            places, is_there = self._places(block)
            sample.append(places[is_there][:: len(self._blocks)])
        sample = np.sort(np.concatenate(sample))
        if not sample.size:
            return []
        inner = sample[len(sample) * np.arange(1, len(self._blocks)) // len(self._blocks)]
        far = (self._span + 1) * (1 << 31)
        return [-far, *np.unique(inner).tolist(), far]

    def between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows and places of windows that begin from `first` to before `last`."""
        rows, found = [], []
        for block in self._blocks:
            places, is_there = self._places(block)
            is_there &= (places >= first) & (places < last)
            rows.append(block.start + np.flatnonzero(is_there))
            found.append(places[is_there])
        return np.concatenate(rows), np.concatenate(found)


def _num_bases(starts: np.ndarray, length: int, first: int, last: int) -> int:
    """Returns how many bases from `first` to before `last` these windows hold; starts ascend."""
    if not starts.size:
        return 0
    ends = np.minimum(starts + length, np.append(starts[1:], starts[-1] + length))
    return int((np.minimum(ends, last) - np.maximum(starts, first)).clip(0).sum())
