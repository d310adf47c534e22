"""Sums over groups of windows, from which the scores of resampled windows follow.

Shapes: `N` windows of `B` bins, `T` tracks, `K` sums of each track, `G` groups, `R` resamples.
"""

import numpy as np

from genokeras.metrics.counts import ratio

NUM_PAIR_SUMS = 6
# What is left of a constant's sum of squares by rounding, at most.
_ROUNDING = 1e-10
_MOST_SUMS = 1 << 22  # 32 MiB.
_LEAST_GROUPS, _MOST_GROUPS = 64, 1 << 12


class WindowGroups:
    """Adds up `K` numbers of each window and track, group by group of as many blocks.

    A block is a window, or those that are told to belong together, because they overlap. A group is
    one block until there are more than `limit`; then two that came one after the other become one,
    and so again whenever there are too many. Memory grows with the numbers of blocks that are told,
    8 bytes each, and with nothing else. Windows are stored in random order: resamples of such
    groups vary as those of blocks do.

    Attributes:
        sums: float64 `[G, T, K]`.
        blocks_per_group: How many make a group, of which the last may have fewer.
    """

    def __init__(self, num_tracks: int, num_sums: int, limit: int | None = None):
        share = _MOST_SUMS // max(1, num_tracks * num_sums)
        self._limit = limit or min(max(share, _LEAST_GROUPS), _MOST_GROUPS)
        self._num_blocks = 0
        self._seen = np.zeros(0, np.int64)  # Numbers of blocks, as they came.
        self.blocks_per_group = 1
        self.sums = np.zeros((0, num_tracks, num_sums))

    def add(self, sums: np.ndarray, blocks: np.ndarray | None = None) -> np.ndarray:
        """Adds windows, float64 `[N, T, K]`.

        Args:
            sums: Of each window and track.
            blocks: Number of each window's block, int64 `[N]`; None: each window is one. All calls
                have it, or none has.

        Returns:
            As the how manieth each window's block came, from 0 on, `[N]`: divided by
            `blocks_per_group`, as that is at last, it gives the group.
        """
        if blocks is None:
            order = self._num_blocks + np.arange(len(sums))
            self._num_blocks += len(sums)
        else:
            order = self._order(blocks)
        groups = order // self.blocks_per_group
        self._lengthen(int(groups.max()) + 1)
        np.add.at(self.sums, groups, sums)
        while len(self.sums) > self._limit:
            self._lengthen(len(self.sums) + len(self.sums) % 2)
            self.sums = self.sums[::2] + self.sums[1::2]
            self.blocks_per_group *= 2
        return order

    def _order(self, blocks: np.ndarray) -> np.ndarray:
        """Returns as the how manieth each block came, `[N]`."""
        both = np.concatenate([self._seen, blocks])
        _, first, which = np.unique(both, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))[which[len(self._seen) :]]
        self._seen = both[np.sort(first)]
        return order

    def _lengthen(self, num_groups: int) -> None:
        more = np.zeros((max(0, num_groups - len(self.sums)), *self.sums.shape[1:]))
        self.sums = np.concatenate([self.sums, more])


def pair_sums(x: np.ndarray, y: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Returns number and sums of x, y, xx, yy and xy of the `known` bins, `[N, T, 6]`.

    Args:
        x: Numbers `[N, B, T]`, not far from 0.
        y: Those that go with them.
        known: bool, which of them count.
    """
    x, y = np.where(known, x, 0), np.where(known, y, 0)
    return np.stack([z.sum(axis=1) for z in (known, x, y, x * x, y * y, x * y)], axis=-1)


def correlation_and_r2(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns of sums of pairs `[R, T, 6]` their correlation and R², `[R, T]`.

    R² is 1 - squared error / variance of x. NaN where a variance is needed that is 0.
    """
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    count = np.maximum(count, 1)
    spread_x, spread_y = _spread(xx, x, count), _spread(yy, y, count)
    correlation = ratio(xy - x * y / count, np.sqrt(spread_x) * np.sqrt(spread_y))
    return correlation, 1 - ratio(xx + yy - 2 * xy, spread_x)


def sum_and_count(values: np.ndarray) -> np.ndarray:
    """Returns each value and 1, or 0 and 0 where it is NaN: `[..., 2]` of `[...]`."""
    known = ~np.isnan(values)
    return np.stack([np.where(known, values, 0), known], axis=-1)


def _spread(squares: np.ndarray, total: np.ndarray, count: np.ndarray) -> np.ndarray:
    spread = squares - total * total / count
    return np.where(spread > _ROUNDING * squares, spread, 0)
