"""Which bases lie in blacklisted intervals, counted base by base."""

import math

import numpy as np
import pytest

from data_prep.bigwig import BigWig
from data_prep.blacklist import Blacklist, limit_of
from data_prep.intervals import Intervals
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError


def test_bases_of_random_intervals_against_a_loop():
    rng = np.random.default_rng(0)
    chrom_id, start = rng.integers(0, 2, 40), rng.integers(0, 900, 40)
    end = start + rng.integers(1, 60, 40)
    truth = np.zeros((3, 1000), bool)
    for row in range(40):
        truth[chrom_id[row], start[row] : end[row]] = True
    blacklist = Blacklist(Intervals(chrom_id, start, end))
    for chrom, low, high in [(0, 0, 1000), (1, 3, 900), *((i % 3, i, i + 7) for i in range(990))]:
        inside = blacklist.inside(chrom, low, high)
        expected = truth[chrom, low:high]
        if inside is None:
            assert not expected.any()
        else:
            np.testing.assert_array_equal(inside, expected)


def test_nothing_is_inside_of_neighbours():
    blacklist = Blacklist(Intervals([1], [10], [20]))
    for place in ((0, 0, 50), (2, 0, 50), (1, 0, 10), (1, 20, 50)):
        assert blacklist.inside(*place) is None
    assert blacklist.inside(1, 19, 21).tolist() == [True, False]


def test_limits():
    file = BigWig("a.bw", (Chrom("I", 80), Chrom("II", 20)), 0.0, 9.0, 150.0)
    assert math.isnan(limit_of(file, 2.0, "missing"))
    assert limit_of(file, 2.0, "zero") == 0
    assert limit_of(file, -2.0, "clip") == 3


def test_a_header_without_a_sum():
    file = BigWig("a.bw", (Chrom("I", 80),), 0.0, 9.0, math.nan)
    message = (
        r"a.bw: its header has no sum, so blacklisted bases cannot be clipped to the mean; make "
        "them missing or zero instead"
    )
    with pytest.raises(InputError, match=message):
        limit_of(file, 1.0, "clip")
