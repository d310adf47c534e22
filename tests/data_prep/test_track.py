"""Statistics, powers and clips of bins, against the formulas of baskerville written out."""

import math

import numpy as np
import pytest

from data_prep.bigwig import BigWig
from data_prep.track import STATISTICS, Track
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError


def file(smallest, largest):
    return BigWig("a.bw", (Chrom("I", 100),), smallest, largest, 1.0)


def squashed(value, **fields):
    return Track("a", "a.bw", **fields).squash(np.array([value], np.float64))[0]


@pytest.mark.parametrize("value", [0.0, 3.0, 24.0, 1e6])
def test_formulas_by_hand(value):
    assert squashed(value) == value
    assert squashed(value, statistic="sum_sqrt") == pytest.approx(math.sqrt(1 + value) - 1)
    assert squashed(value, statistic="sum_exp75") == pytest.approx((1 + value) ** 0.75 - 1)
    soft = value if value <= 8 else 7 + math.sqrt(value - 7)
    assert squashed(value, clip_soft=8) == pytest.approx(soft)
    assert squashed(value, clip_soft=8, clip=10) == pytest.approx(min(soft, 10))


def test_a_soft_clip_goes_on_where_it_begins_and_never_adds():
    values = np.linspace(0, 40, 1000)
    clipped = Track("a", "a.bw", clip_soft=8).squash(values.copy())
    assert (np.diff(clipped) > 0).all()
    assert (clipped <= values).all()
    np.testing.assert_array_equal(clipped[values <= 8], values[values <= 8])


def test_missing_values_stay_missing_and_a_clip_works_on_both_sides():
    assert math.isnan(squashed(math.nan, statistic="sum_sqrt", clip_soft=2, clip=3))
    assert squashed(-9.0, clip=3) == -3


@pytest.mark.parametrize(
    ("fields", "largest"),
    [
        ({}, 48),
        ({"scale": -0.5}, 24),
        ({"statistic": "sum"}, 48 * 32),
        ({"statistic": "max", "clip": 9}, 9),
        ({"statistic": "sum", "scale": 2, "clip_soft": 100}, 99 + math.sqrt(48 * 64 - 99)),
    ],
)
def test_no_bin_exceeds_what_the_header_allows(fields, largest):
    track = Track("a", "a.bw", **fields)
    assert track.largest_bin(file(-1.0, 48.0), 32) == pytest.approx(largest)


def test_a_bound_is_kept_where_all_values_are_far_from_zero():
    assert Track("a", "a.bw").largest_bin(file(-7.0, -5.0), 32) == 7


def test_roots_of_negative_values_are_refused():
    track = Track("a", "a.bw", "sum_sqrt", scale=-1.0)
    assert track.largest_bin(file(-3.0, 0.0), 1) == 1
    message = r"a.bw: sum_sqrt needs values from 0 on, but there are -3, after scale -1"
    with pytest.raises(InputError, match=message):
        track.largest_bin(file(0.0, 3.0), 1)


def test_every_statistic_has_a_reduction():
    assert {Track("a", "a.bw", name).reduction for name in STATISTICS} == {"mean", "sum", "max"}
