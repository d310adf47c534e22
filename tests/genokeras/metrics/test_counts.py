import numpy as np

from genokeras.metrics.counts import as_counts, ratio


def test_without_counts_every_example_is_there_once():
    np.testing.assert_array_equal(as_counts(np.zeros(3), None), [1, 1, 1])


def test_counts_are_computed_with_in_64_bits():
    counts = as_counts(np.zeros(2), np.array([[1, 2], [0, 3]], np.int8))
    assert counts.dtype == np.float64
    np.testing.assert_array_equal(counts, [[1, 2], [0, 3]])


def test_a_ratio_to_nothing_is_undefined():
    with np.errstate(all="raise"):
        found = ratio(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0]))
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan])
