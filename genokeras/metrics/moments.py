"""Correlations of pairs of numbers that are too many to keep: sums that are added up in parts."""

import numpy as np

from genokeras.metrics.counts import ratio


class PairMoments:
    """Counts, means and centred second moments of pairs `(x, y)`, for each of `T` tracks.

    Parts are merged in float64 by the update of Chan, Golub and LeVeque (doi:10.1080/
    00031305.1983.10483115), which never takes two large numbers from each other.
    """

    def __init__(self, num_tracks: int):
        self._count = np.zeros(num_tracks)
        self._origin = np.zeros((2, num_tracks))
        self._means = np.zeros((2, num_tracks))
        self._moments = np.zeros((3, num_tracks))  # Of xx, yy and xy.
        self._squared_error = np.zeros(num_tracks)

    def add(self, x: np.ndarray, y: np.ndarray, known: np.ndarray) -> None:
        """Adds pairs, arrays `[N, T]`; those that are not `known` (bool) are left out."""
        count = known.sum(axis=0).astype(np.float64)
        pairs = np.stack([np.where(known, x, 0), np.where(known, y, 0)]).astype(np.float64)
        self._squared_error += ((pairs[0] - pairs[1]) ** 2).sum(axis=0)
        # Relative to the first pair a constant is 0 exactly, which its mean is not.
        first = pairs[:, known.argmax(axis=0), np.arange(len(count))]
        self._origin = np.where(self._count > 0, self._origin, first)
        pairs = np.where(known, pairs - self._origin[:, None], 0)
        means = pairs.sum(axis=1) / np.maximum(count, 1)
        within = _products(np.where(known, pairs - means[:, None], 0)).sum(axis=1)
        step, share = means - self._means, count / np.maximum(self._count + count, 1)
        self._moments += within + _products(step) * self._count * share
        self._means += step * share
        self._count += count

    @property
    def count(self) -> np.ndarray:
        """Number of pairs `[T]`."""
        return self._count

    def correlation(self) -> np.ndarray:
        """Returns the linear correlation `[T]`, NaN where one of the two is constant."""
        xx, yy, xy = self._moments
        return ratio(xy, np.sqrt(xx) * np.sqrt(yy))

    def r2(self) -> np.ndarray:
        """Returns 1 - squared error / variance of `x`, `[T]`, NaN where `x` is constant."""
        return 1 - ratio(self._squared_error, self._moments[0])


def _products(pairs: np.ndarray) -> np.ndarray:
    """Returns xx, yy and xy of `[2, ...]`."""
    x, y = pairs
    return np.stack([x * x, y * y, x * y])
