"""Groups of examples with about as many in each, cut by a value such as a probability."""

import numpy as np


def equal_mass_bins(values: np.ndarray, num_bins: int) -> np.ndarray:
    """Returns the bin of each value, int `[N]`: 0, 1, ... from the lowest values up.

    Without ties the sizes of the `num_bins` bins differ by one at most. Equal values share a bin
    (that of their middle rank), so there may be fewer bins, of uneven sizes; none is empty. A value
    that is NaN has no bin: -1.
    """
    bins = np.full(len(values), -1)
    defined = np.flatnonzero(~np.isnan(values))
    if not len(defined):
        return bins
    _, tie, sizes = np.unique(values[defined], return_inverse=True, return_counts=True)
    middle = np.cumsum(sizes) - sizes / 2
    place = np.floor(middle * num_bins / len(defined)).astype(int)
    _, bins_of_ties = np.unique(np.minimum(place, num_bins - 1), return_inverse=True)
    bins[defined] = bins_of_ties[tie]
    return bins
