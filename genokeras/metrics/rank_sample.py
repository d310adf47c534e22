"""The correlation of ranks of pairs that are too many to keep."""

import numpy as np

from genokeras.metrics.regression import spearman_r
from tfrecords import sampling

_MOST_PAIRS = 1 << 22  # Over all tracks: 32 MiB.
_LEAST_BINS, _MOST_BINS = 1 << 12, 1 << 20


class RankSample:
    """Keeps bins of `T` tracks, all of them up to `limit`, beyond that a uniform sample of them.

    Ranks need all values at once. A bin is kept if a hash of its place is below a threshold, which
    is halved whenever more than `limit` bins are kept. So the sample has between half of `limit`
    and `limit` bins, does not depend on how bins come in batches, and is the same every time. The
    standard error of the correlation in it is below `sqrt(2 / limit)`: .004 for 2^17 bins.
    """

    def __init__(self, num_tracks: int, limit: int | None = None):
        share = _MOST_PAIRS // max(num_tracks, 1)
        self.limit = limit or min(max(share, _LEAST_BINS), _MOST_BINS)
        self._threshold = 1 << 32
        self._num_windows = 0
        self._keys = np.zeros(0, np.uint32)
        self._x = self._y = np.zeros((0, num_tracks), np.float32)

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Adds windows, `[N, bins, T]`; pairs whose `x` is NaN are left out."""
        windows = np.arange(self._num_windows, self._num_windows + len(x))[:, None]
        self._num_windows += len(x)
        keys = sampling.fold_in(sampling.hash32(windows), np.arange(x.shape[1])).ravel()
        x, y = (values.reshape(-1, values.shape[-1]).astype(np.float32) for values in (x, y))
        chosen = np.flatnonzero(keys < self._threshold)
        self._keys = np.concatenate([self._keys, keys[chosen]])
        self._x = np.concatenate([self._x, x[chosen]])
        self._y = np.concatenate([self._y, y[chosen]])
        while len(self._keys) > self.limit:
            self._threshold //= 2
            self._keep(self._keys < self._threshold)

    def correlation(self) -> np.ndarray:
        """Returns Spearman's rank correlation `[T]`, NaN where one of the two is constant."""
        tracks = zip(self._x.T, self._y.T, ~np.isnan(self._x.T), strict=True)
        return np.array([spearman_r(x[k], y[k]) if k.any() else np.nan for x, y, k in tracks])

    def _keep(self, rows: np.ndarray) -> None:
        self._keys, self._x, self._y = self._keys[rows], self._x[rows], self._y[rows]
