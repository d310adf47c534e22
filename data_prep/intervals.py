"""Intervals of a genome as arrays, and operations on sets of them.

Intervals are 0-based and half-open, `[start, end)`, and hold one base at least. Shapes: `N`
intervals; `a` and `b` are two sets. Every operation sorts and searches whole arrays: none loops
over rows, and none minds unsorted or overlapping input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

_TYPES = {
    "chrom_id": np.int32,
    "start": np.int64,
    "end": np.int64,
    "strand": np.int8,
    "summit": np.int64,
}


@dataclass(frozen=True, eq=False)
class Intervals:
    """A set of intervals, in any order.

    Attributes:
        chrom_id: Position of the chromosome in a list of them, int32 `[N]`.
        start: First base, int64 `[N]`.
        end: The base after the last one, int64 `[N]`.
        strand: 1, -1, or 0 if there is none (the default), int8 `[N]`.
        summit: Base of the genome at which the signal is highest, -1 if unknown (the default),
            int64 `[N]`.
    """

    chrom_id: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray | None = None
    summit: np.ndarray | None = None

    def __post_init__(self):
        count = len(self.chrom_id)
        missing = {"strand": np.zeros(count), "summit": np.full(count, -1)}
        for name, dtype in _TYPES.items():
            values = getattr(self, name)
            values = missing[name] if values is None else values
            values = np.asarray(values).astype(dtype, copy=False)
            if values.shape != (count,):
                raise ValueError(f"{name} has shape {values.shape}, chrom_id has {count} rows")
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.chrom_id)

    def __getitem__(self, rows: np.ndarray | slice) -> "Intervals":
        """Returns some of the rows: bool `[N]`, row numbers, or a slice."""
        return Intervals(*(getattr(self, item.name)[rows] for item in fields(self)))


def concatenate(parts: Sequence[Intervals]) -> Intervals:
    """Returns the rows of several sets, one after the other."""
    return Intervals(
        *(
            np.concatenate([getattr(part, item.name) for part in parts])
            for item in fields(Intervals)
        )
    )


def sort(a: Intervals) -> Intervals:
    """Returns the rows by chromosome, start and end; equal ones stay in their order."""
    return a[_order(a)]


def merge(a: Intervals) -> Intervals:
    """Returns the union as the fewest intervals, sorted, without strand or summit.

    Intervals that overlap or touch become one: [0, 5), [5, 7), [9, 10) become [0, 7), [9, 10).
    """
    ordered = sort(a)
    starts, ends = _on_a_line(ordered, _span(a))
    is_first = starts > _furthest_end_before(ends)
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(a))[: len(first)] - 1
    furthest = np.maximum.accumulate(ends) - (ends - ordered.end)
    return Intervals(ordered.chrom_id[first], ordered.start[first], furthest[last])


def overlaps(a: Intervals, b: Intervals) -> np.ndarray:
    """Returns which intervals of `a` share a base with any of `b`, bool `[N]`."""
    return count_overlaps(a, b) > 0


def count_overlaps(a: Intervals, b: Intervals) -> np.ndarray:
    """Returns with how many intervals of `b` each of `a` shares a base, int64 `[N]`."""
    span = _span(a, b)
    starts, ends = _on_a_line(a, span)
    other_starts, other_ends = _on_a_line(b, span)
    # Of those that begin before it ends, all but those that end before it begins.
    begun = np.searchsorted(np.sort(other_starts), ends, side="left")
    ended = np.searchsorted(np.sort(other_ends), starts, side="right")
    return begun - ended


def subtract(a: Intervals, b: Intervals) -> Intervals:
    """Returns what is left of each interval of `a` without the bases of `b`, in the order of `a`.

    An interval may be left in several pieces, or none. A piece keeps the strand, and the summit if
    that lies in it: [0, 10) without [2, 3) and [5, 20) is [0, 2), [3, 5).
    """
    span = _span(a, b)
    starts, ends = _on_a_line(a, span)
    other_starts, other_ends = _on_a_line(merge(b), span)
    first = np.searchsorted(other_ends, starts, side="right")
    num_holes = np.searchsorted(other_starts, ends, side="left") - first
    row = np.repeat(np.arange(len(a)), num_holes + 1)
    # Number of each piece within its interval: piece k is between the holes k - 1 and k.
    piece = np.arange(len(row)) - np.repeat(np.cumsum(num_holes + 1) - num_holes - 1, num_holes + 1)
    hole = first[row] + piece
    left, right = starts[row], ends[row]
    is_after, is_before = piece > 0, piece < num_holes[row]
    left[is_after] = np.maximum(left[is_after], other_ends[hole[is_after] - 1])
    right[is_before] = np.minimum(right[is_before], other_starts[hole[is_before]])
    is_filled = left < right
    row, offset = row[is_filled], (starts - a.start)[row[is_filled]]
    left, right = left[is_filled] - offset, right[is_filled] - offset
    summit = np.where((a.summit[row] >= left) & (a.summit[row] < right), a.summit[row], -1)
    return Intervals(a.chrom_id[row], left, right, a.strand[row], summit)


def _order(a: Intervals) -> np.ndarray:
    return np.lexsort((a.end, a.start, a.chrom_id))


def _span(*sets: Intervals) -> int:
    """Returns more bases than any chromosome of these sets has, so that none touch on a line."""
    return 2 + max((int(a.end.max()) for a in sets if len(a)), default=0)


def _on_a_line(a: Intervals, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns starts and ends as if all chromosomes lay on one line, `span` bases apart."""
    offset = a.chrom_id * np.int64(span)
    return a.start + offset, a.end + offset


def _furthest_end_before(ends: np.ndarray) -> np.ndarray:
    """Returns for every row the largest end of the rows above it; -1 for the first."""
    return np.append(-1, np.maximum.accumulate(ends))[: len(ends)]
