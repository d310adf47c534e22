"""The correlation of ranks of pairs that are too many to keep.

Shapes: `N` windows of `bins`, `T` tracks, `R` resamples of `G` groups of windows.
"""

import numpy as np

from genokeras.metrics.regression import spearman_r
from tfrecords import sampling

_MOST_PAIRS = 1 << 22  # Over all tracks: 32 MiB.
_LEAST_BINS, _MOST_BINS = 1 << 12, 1 << 20
# Over all tracks, of those that are ranked anew for every resample: some seconds for a thousand.
_MOST_RESAMPLED, _LEAST_RESAMPLED = 1 << 16, 1 << 10
_ELEMENTS = 1 << 21  # Of the counts that are worked on at a time.


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
        self._blocks = np.zeros(0, np.int32)
        self._x = self._y = np.zeros((0, num_tracks), np.float32)

    def add(self, x: np.ndarray, y: np.ndarray, blocks: np.ndarray) -> None:
        """Adds windows, `[N, bins, T]`; pairs whose `x` is NaN are left out.

        `blocks`, int `[N]`, are the numbers by which `resampled` knows what is drawn together.
        """
        windows = np.arange(self._num_windows, self._num_windows + len(x))[:, None]
        self._num_windows += len(x)
        keys = sampling.fold_in(sampling.hash32(windows), np.arange(x.shape[1])).ravel()
        blocks = np.repeat(blocks.astype(np.int32), x.shape[1])
        x, y = (values.reshape(-1, values.shape[-1]).astype(np.float32) for values in (x, y))
        chosen = np.flatnonzero(keys < self._threshold)
        self._keys = np.concatenate([self._keys, keys[chosen]])
        self._blocks = np.concatenate([self._blocks, blocks[chosen]])
        self._x = np.concatenate([self._x, x[chosen]])
        self._y = np.concatenate([self._y, y[chosen]])
        while len(self._keys) > self.limit:
            self._threshold //= 2
            self._keep(np.flatnonzero(self._keys < self._threshold))

    def correlation(self) -> np.ndarray:
        """Returns Spearman's rank correlation `[T]`, NaN where one of the two is constant."""
        return self._correlations(slice(None), np.ones((1, len(self._keys))))[0]

    def resampled(self, counts: np.ndarray, blocks_per_group: int) -> np.ndarray:
        """Returns the correlation of resamples `[R, T]`, all ranks being those in the resample.

        Of very many bins some are ranked, again by their hashes. What these say more or less than
        all is taken off, and the resamples vary a little more than those of all bins would.

        Args:
            counts: How often each group of blocks was drawn, `[R, G]`.
            blocks_per_group: How many blocks, by their numbers, make a group.
        """
        most = max(_MOST_RESAMPLED // max(1, self._x.shape[1]), _LEAST_RESAMPLED)
        rows = np.sort(np.argsort(self._keys, kind="stable")[:most])
        groups = self._blocks[rows] // blocks_per_group
        size = max(1, _ELEMENTS // max(1, len(rows)))
        parts = [
            self._correlations(rows, counts[start : start + size, groups])
            for start in range(0, len(counts), size)
        ]
        found = np.concatenate(parts or [np.zeros((0, self._x.shape[1]))])
        if len(rows) == len(self._keys):
            return found
        return found + self.correlation() - self._correlations(rows, np.ones((1, len(rows))))

    def _correlations(self, rows: np.ndarray | slice, counts: np.ndarray) -> np.ndarray:
        """Returns the correlation `[R, T]` of some bins `[n]`, drawn `counts` times, `[R, n]`."""
        found = np.full((len(counts), self._x.shape[1]), np.nan)
        for track, (x, y) in enumerate(zip(self._x[rows].T, self._y[rows].T, strict=True)):
            known = ~np.isnan(x)
            if known.any():
                drawn = counts if known.all() else counts[:, known]
                found[:, track] = spearman_r(x[known], y[known], drawn)
        return found

    def _keep(self, rows: np.ndarray) -> None:
        self._keys, self._blocks = self._keys[rows], self._blocks[rows]
        self._x, self._y = self._x[rows], self._y[rows]
