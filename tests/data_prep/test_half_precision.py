"""What float16 holds, by the numbers of IEEE 754, and what a scale does to it."""

import numpy as np
import pytest

from data_prep import half_precision


@pytest.mark.parametrize(
    ("largest", "scale"),
    [
        (0, 1),
        (1, 1),
        (65504, 1),
        (65505, 2),
        (131008, 2),
        (1e9, 2**14),
        (0.5, 2**-16),
        (1e-9, 2**-45),
    ],
)
def test_the_largest_value_fits_just(largest, scale):
    assert half_precision.scale_for(largest) == scale
    assert np.isfinite(np.float16(np.float32(largest / scale)))
    if not 1 <= largest <= 65504 and largest:
        assert largest / scale > 65504 / 2


def test_whole_numbers_come_back_unchanged_whatever_the_scale():
    values = np.float32([[0, 1, 2048, 3], [np.nan, 7, 2047, 2048]]).T
    for scale in ((1, 1), (2**-4, 2**9)):
        stored = half_precision.to_half(values * np.float32(scale), scale)
        assert stored.dtype == np.float16
        np.testing.assert_array_equal(stored, values)


def test_losses_counted_by_hand():
    values = np.float32([[1.0, 1e-9], [2049.0, 0.0], [70000.0, np.nan], [np.nan, -1e-9]])
    stored = half_precision.to_half(values, (1, 1))
    found = half_precision.loss(values, stored, (1, 1))
    assert found.num_values.tolist() == [3, 3]
    assert found.num_overflowed.tolist() == [1, 0]
    assert found.num_underflowed.tolist() == [0, 2]
    np.testing.assert_allclose(found.max_relative_error, [1 / 2049, 0], rtol=1e-6)
    assert found.to_json(["a", "b"]) == {
        "a": {"max_relative_error": 0.000488, "overflowed": 1 / 3, "underflowed": 0.0},
        "b": {"max_relative_error": 0.0, "overflowed": 0.0, "underflowed": 2 / 3},
    }


def test_a_scale_saves_what_would_be_lost():
    values = np.float32([[1e-9, 3e8], [3e-7, 1.0]])
    scale = [half_precision.scale_for(column.max()) for column in values.T]
    found = half_precision.loss(values, half_precision.to_half(values, scale), scale)
    assert not found.num_overflowed.any()
    assert not found.num_underflowed.any()
    assert (found.max_relative_error <= 2**-11).all()


def test_losses_of_parts_add_up_to_that_of_the_whole():
    values = np.float32(np.random.default_rng(0).lognormal(0, 12, (30, 8, 2)))
    stored = half_precision.to_half(values, (1, 4))
    whole, *parts = (
        half_precision.loss(values[rows], stored[rows], (1, 4))
        for rows in (slice(None), slice(9), slice(9, 9), slice(9, 30))
    )
    assert whole.to_json("ab") == sum(parts[1:], parts[0]).to_json("ab")
    assert whole.num_overflowed.all()
    assert whole.num_underflowed.all()
