import pytest

from tfrecords import bins
from tfrecords.errors import InputError


def test_bins_of_a_window():
    bins.check(4096, 32, 64)
    assert bins.count(4096, 32, 64) == 124
    assert bins.count(4096, 0, 0) == 0
    bins.check(7, 1, 3)
    assert bins.count(7, 1, 3) == 1


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((96, 0, 0), "bin_bp 0, expected a number of bases from 1"),
        ((96, 1.5, 0), "bin_bp 1.5, expected a number of bases from 1"),
        ((96, 8, -8), "crop_bp -8, expected a number of bases from 0"),
        ((96, 8, 4), "crop_bp 4, expected a multiple of bin_bp 8"),
        ((100, 8, 8), "windows of 100 bp, expected whole bins of 8 bp, and some of them beside "),
        ((96, 8, 48), "and some of them beside the 48 bp at either end"),
    ],
)
def test_windows_that_are_no_whole_bins(sizes, message):
    with pytest.raises(InputError, match=message):
        bins.check(*sizes)


@pytest.mark.parametrize("scale", [(1.0,), (1.0, 0.0), (1.0, float("nan")), (1.0, float("inf"))])
def test_scales_are_above_zero_one_for_each_task(scale):
    bins.check_scale((), 2)
    bins.check_scale((0.5, 2.0), 2)
    with pytest.raises(InputError, match=r"target_scale .*, expected for each of the 2 tasks"):
        bins.check_scale(scale, 2)
