"""Windows of different splits that overlap on the genome, and groups that are in several splits.

Shapes: `N` rows. What is found of a row is a set of splits, uint8, bit `i` for split `i`.
"""

import itertools
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.genome_order import Part, in_order
from data_prep.groups import number_groups
from data_prep.scratch import Column
from tfrecords.manifest import SPLITS

PAIRS = tuple(itertools.combinations(range(len(SPLITS)), 2))


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
    chrom_id: Column, start: Column, split: np.ndarray, folder: pathlib.Path, *, length: int
) -> Shared:
    """Returns which windows overlap one of another split, and how many bases are in both.

    A base counts once for a pair of splits, however many windows hold it. Only windows of one part
    of the genome are in memory at a time.

    Args:
        chrom_id: Negative where a row has no place in the genome; such rows overlap nothing.
        start: First base of the window, with or without what is stored beside it.
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
        folder: For 16 bytes a row; made here, and taken away again.
        length: Bases of a stored sequence, those beside the window included: they count as well.
    """
    found = np.zeros(len(split), np.uint8)
    counts = dict.fromkeys(PAIRS, 0)
    parts = in_order(chrom_id, start, folder, length=length, split=split)
    for part, rows, places in _with_neighbours(parts, length):
        codes = split[rows]
        places_of = [places[codes == code] for code in range(len(SPLITS))]
        bases = [_num_bases(starts, length, part) for starts in places_of]
        is_inside = (places >= part.first) & (places < part.last)
        for pair in PAIRS:
            either = places[(codes == pair[0]) | (codes == pair[1])]
            shared = sum(bases[code] for code in pair) - _num_bases(either, length, part)
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
    numbers, names = number_groups(groups)
    own = np.left_shift(np.uint8(1), split.clip(0).astype(np.uint8))
    own[split < 0] = 0
    masks = np.zeros(len(names), np.uint8)
    np.bitwise_or.at(masks, numbers, own)
    counts = {
        (first, second): int((masks >> first & masks >> second & 1).sum())
        for first, second in PAIRS
    }
    return Shared(np.where(own > 0, masks[numbers] & ~own, np.uint8(0)), counts)


def _with_neighbours(
    parts: Iterator[Part], length: int
) -> Iterator[tuple[Part, np.ndarray, np.ndarray]]:
    """Yields parts, each with rows and places of its windows and of those that reach into it."""
    nothing = Part(0, 0, np.zeros(0, np.int64), np.zeros(0, np.int64))
    before, part = nothing, next(parts)
    for after in itertools.chain(parts, [nothing]):
        reaching = slice(np.searchsorted(before.places, part.first - length), None)
        entered = slice(np.searchsorted(after.places, part.last + length))
        near = (before, reaching), (part, slice(None)), (after, entered)
        rows = np.concatenate([found.rows[which] for found, which in near])
        yield part, rows, np.concatenate([found.places[which] for found, which in near])
        before, part = part, after


def _num_bases(starts: np.ndarray, length: int, part: Part) -> int:
    """Returns how many bases of a part these windows hold; starts ascend."""
    if not starts.size:
        return 0
    ends = np.minimum(starts + length, np.append(starts[1:], starts[-1] + length))
    return int((np.minimum(ends, part.last) - np.maximum(starts, part.first)).clip(0).sum())
