import numpy as np

from genokeras.evaluation.bins import equal_mass_bins


def test_without_ties_sizes_differ_by_one_at_most():
    values = np.random.default_rng(0).normal(size=103)
    bins = equal_mass_bins(values, 10)
    sizes = np.bincount(bins)
    assert (len(sizes), sizes.min(), sizes.max()) == (10, 10, 11)
    edges = [values[bins == number] for number in range(10)]
    assert all(low.max() < high.min() for low, high in zip(edges, edges[1:], strict=False))


def test_equal_values_share_a_bin_and_no_bin_is_empty():
    # Of ten values eight are 5: their middle rank is in the second of two halves.
    values = np.array([1, 5, 5, 5, 5, 5, 5, 5, 5, 9])
    assert equal_mass_bins(values, 2).tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert set(equal_mass_bins(values, 5).tolist()) == {0, 1, 2}
    assert equal_mass_bins(np.full(7, 0.5), 5).tolist() == [0] * 7


def test_nan_has_no_bin():
    assert equal_mass_bins(np.array([np.nan, 2.0, 1.0]), 2).tolist() == [-1, 1, 0]
    assert equal_mass_bins(np.array([np.nan]), 2).tolist() == [-1]
    assert equal_mass_bins(np.zeros(0), 2).tolist() == []
