"""Operations on sets of intervals: by hand, and against loops over single bases."""

import numpy as np
import pytest

from data_prep import intervals
from data_prep.intervals import Intervals

NUM_CHROMS, MAX_END = 3, 40


def of(*rows):
    return Intervals(*np.array(rows, np.int64).reshape(-1, 3).T)


def rows(a):
    return list(zip(a.chrom_id.tolist(), a.start.tolist(), a.end.tolist(), strict=True))


def bases(*found):
    """The bases of some rows, as a set of pairs."""
    return {(chrom, base) for chrom, start, end in found for base in range(start, end)}


def draw(seed):
    """Up to 12 unsorted intervals on three chromosomes, many of which touch, overlap or repeat."""
    rng = np.random.default_rng(seed)
    count = rng.integers(13)
    start = rng.integers(MAX_END, size=count)
    length = rng.integers(1, [3, 12][seed % 2], size=count)
    return Intervals(
        rng.integers(NUM_CHROMS, size=count),
        start,
        start + length,
        rng.integers(-1, 2, size=count),
        np.where(rng.random(count) < 0.5, start + length // 2, -1),
    )


def test_defaults_and_types():
    a = of([1, 5, 9], [0, 2, 3])
    assert a.strand.tolist() == [0, 0]
    assert a.summit.tolist() == [-1, -1]
    types = [x.dtype.name for x in (a.chrom_id, a.start, a.end, a.strand, a.summit)]
    assert types == ["int32", "int64", "int64", "int8", "int64"]
    with pytest.raises(ValueError, match=r"end has shape \(1,\), chrom_id has 2 rows"):
        Intervals(np.array([0, 1]), np.array([2, 3]), np.array([4]))


def test_rows_and_concatenate():
    a = of([1, 5, 9], [0, 2, 3], [2, 0, 1])
    assert rows(a[np.array([True, False, True])]) == [(1, 5, 9), (2, 0, 1)]
    assert rows(intervals.concatenate([a[2:], a[np.array([1])]])) == [(2, 0, 1), (0, 2, 3)]


def test_sort_takes_strand_and_summit_along():
    a = Intervals(*np.array([[1, 5, 9, 1, 6], [0, 7, 9, -1, -1], [0, 7, 8, 1, 7]]).T)
    ordered = intervals.sort(a)
    assert rows(ordered) == [(0, 7, 8), (0, 7, 9), (1, 5, 9)]
    assert ordered.strand.tolist() == [1, -1, 1]
    assert ordered.summit.tolist() == [7, -1, 6]


def test_merge_by_hand():
    """Intervals that touch become one, and so do those inside of a longer one before them."""
    a = of([0, 9, 10], [0, 0, 5], [0, 5, 7], [1, 0, 30], [1, 2, 4], [1, 20, 25], [2, 0, 1])
    assert rows(intervals.merge(a)) == [(0, 0, 7), (0, 9, 10), (1, 0, 30), (2, 0, 1)]


def test_touching_is_not_overlapping():
    a, b = of([0, 5, 10], [1, 5, 10]), of([0, 0, 5], [0, 10, 12], [1, 9, 10])
    assert intervals.overlaps(a, b).tolist() == [False, True]


def test_ends_of_chromosomes_do_not_touch():
    a = of([0, 0, 100], [1, 0, 100], [2, 0, 100])
    assert rows(intervals.merge(a)) == rows(a)
    assert intervals.count_overlaps(a, of([1, 0, 100])).tolist() == [0, 1, 0]


def test_subtract_by_hand():
    a = Intervals([1, 0], [0, 3], [10, 20], [-1, 1], [2, 15])
    left = intervals.subtract(a, of([1, 2, 3], [1, 5, 20], [0, 0, 30]))
    assert rows(left) == [(1, 0, 2), (1, 3, 5)]
    assert left.strand.tolist() == [-1, -1]
    assert left.summit.tolist() == [-1, -1]
    left = intervals.subtract(a, of([0, 10, 12], [0, 3, 4]))
    assert rows(left) == [(1, 0, 10), (0, 4, 10), (0, 12, 20)]
    assert left.summit.tolist() == [2, -1, 15]


@pytest.mark.parametrize("operation", [intervals.sort, intervals.merge])
def test_nothing_is_left_of_nothing(operation):
    assert len(operation(of())) == 0


def test_empty_sets():
    a = of([0, 1, 2])
    assert intervals.count_overlaps(a, of()).tolist() == [0]
    assert intervals.count_overlaps(of(), a).tolist() == []
    assert rows(intervals.subtract(a, of())) == rows(a)
    assert rows(intervals.subtract(of(), a)) == []


def naive_merge(a):
    covered = bases(*rows(a))
    begins = sorted(base for base in covered if (base[0], base[1] - 1) not in covered)
    ends = sorted(base for base in covered if (base[0], base[1] + 1) not in covered)
    return [(c, start, end + 1) for (c, start), (_, end) in zip(begins, ends, strict=True)]


def naive_subtract(a, b):
    taken, left = bases(*rows(b)), []
    for chrom, start, end in rows(a):
        kept = [base for base in range(start, end) if (chrom, base) not in taken]
        begins = [base for base in kept if base - 1 not in kept]
        left += [
            (chrom, x, next(y for y in range(x + 1, end + 1) if y not in kept)) for x in begins
        ]
    return left


@pytest.mark.parametrize("seed", range(150))
def test_against_loops(seed):
    a, b = draw(seed), draw(seed + 1000)
    counts = [sum(bool(bases(x) & bases(y)) for y in rows(b)) for x in rows(a)]
    assert intervals.count_overlaps(a, b).tolist() == counts
    assert intervals.overlaps(a, b).tolist() == [count > 0 for count in counts]
    assert rows(intervals.sort(a)) == sorted(rows(a))
    assert rows(intervals.merge(a)) == naive_merge(a)

    left = intervals.subtract(a, b)
    assert rows(left) == naive_subtract(a, b)
    summits = [(c, s) for c, s in zip(left.chrom_id.tolist(), left.summit.tolist(), strict=True)]
    assert {pair for pair in summits if pair[1] >= 0} == {
        (c, s)
        for c, s in zip(a.chrom_id.tolist(), a.summit.tolist(), strict=True)
        if s >= 0 and (c, s) not in bases(*rows(b))
    }
