"""Windows around summits: centres, strands and copies by hand."""

import pytest

from data_prep.intervals import Intervals
from data_prep.summit_windows import holds_summit, summits, windows_around


def test_the_summit_of_a_narrow_peak_else_the_middle():
    peaks = Intervals([0, 0, 1], [10, 10, 4], [20, 21, 5], summit=[12, -1, -1])
    found = summits(peaks)
    assert found.start.tolist() == [12, 15, 4]
    assert (found.end - found.start).tolist() == [1, 1, 1]


def test_windows_are_centred_sorted_and_distinct():
    peaks = Intervals([1, 0, 0, 0], [50, 30, 30, 30], [51, 31, 31, 31], strand=[0, 1, 1, -1])
    windows = windows_around(peaks, 10)
    assert windows.chrom_id.tolist() == [0, 0, 1]
    assert windows.start.tolist() == [25, 26, 45]
    assert windows.end.tolist() == [35, 36, 55]
    assert windows.strand.tolist() == [1, -1, 0]


@pytest.mark.parametrize("window_bp", [4, 5])
@pytest.mark.parametrize("strand", [1, -1, 0])
def test_the_summit_is_the_same_base_on_both_strands(reverse_complement, window_bp, strand):
    """The only C of the genome, a G on the opposite strand, is base 2 of windows of 4 and 5."""
    genome = "A" * 20 + "C" + "A" * 20
    (window,) = windows_around(Intervals([0], [20], [21], strand=[strand]), window_bp).start
    text = genome[window : window + window_bp]
    if strand == -1:
        text = reverse_complement(text)
    assert (len(text), text.find("G" if strand == -1 else "C")) == (window_bp, 2)


def test_of_an_odd_window_the_summit_is_the_middle_base():
    assert windows_around(Intervals([0], [7], [8]), 5).start.tolist() == [5]


def test_a_window_may_begin_before_its_chromosome():
    assert windows_around(Intervals([0], [2], [3]), 10).start.tolist() == [-3]


def test_a_summit_counts_inside_the_window_and_on_its_strand():
    windows = Intervals([0] * 3, [10] * 3, [20] * 3, strand=[1, -1, 0])
    first, past, before = (Intervals([0], [x], [x + 1], strand=[1]) for x in (10, 20, 9))
    assert holds_summit(windows, first).tolist() == [True, False, True]
    assert holds_summit(windows, past).tolist() == [False] * 3
    assert holds_summit(windows, before).tolist() == [False] * 3
    unstranded = Intervals([0], [19], [20])
    assert holds_summit(windows, unstranded).tolist() == [True] * 3
    elsewhere = Intervals([1], [12], [13])
    assert holds_summit(windows, elsewhere).tolist() == [False] * 3
