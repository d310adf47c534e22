"""The scores of predicted coverage over a whole split, added up batch by batch.

However many windows there are, memory stays the same: all scores are sums over bins or windows,
except for the correlation of ranks (see `rank_sample`). Shapes: coverage and targets `[B, bins,
T]`, weight `[B, T]`; `R` resamples. A target that is NaN is missing; so is a track of weight 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.metrics.counts import ratio
from genokeras.metrics.moments import PairMoments
from genokeras.metrics.rank_sample import RankSample
from genokeras.metrics.window_groups import (
    NUM_PAIR_SUMS,
    WindowGroups,
    correlation_and_r2,
    pair_sums,
    sum_and_count,
)

_TINY = 1e-20
# The key of the mean over all tracks, beside their names.
ALL = None
# Of resamples; below 0 where predicted shapes are closer to the true ones than `mean_profile_jsd`.
JSD_DIFFERENCE = "profile_jsd_difference"


class CoverageScores:
    """Scores of each track, and their means over the tracks where they are defined.

    Over all bins: `pearson_r`, `spearman_r` and `r2`. Over all windows: `log_total_r`, the linear
    correlation of `log(1 + total)`; `profile_jsd`, the mean Jensen-Shannon divergence between the
    true and the predicted shape, from 0 (the same) to 1 bit (nowhere both); and, to compare it
    with, `mean_profile_jsd`, what knowing the sequence is not needed for: that between the true
    shape and the mean shape of the windows before in the stored order, which is random, or a flat
    shape, whichever is less (the mean of few windows has their noise). Windows without any coverage
    have no shape and are left out of both.
    """

    def __init__(self, tasks: Sequence[str], target_scale: Sequence[float] = ()):
        self._tasks, self._scale = tuple(tasks), target_scale or 1.0
        size = len(self._tasks)
        self._bins, self._totals = PairMoments(size), PairMoments(size)
        self._ranks = RankSample(size)
        # To the predicted shape, the mean shape and a flat one.
        self._jsds = tuple(_Mean(size) for _ in range(3))
        self._profile = _MeanProfile()
        self._num_windows = 0
        self._groups = WindowGroups(size, 2 * NUM_PAIR_SUMS + 6)
        self._origin: np.ndarray | None = None

    @property
    def num_groups(self) -> int:
        """Number of groups of windows that `resampled` draws from."""
        return len(self._groups.sums)

    def add(
        self,
        outputs: Mapping[str, np.ndarray],
        targets: np.ndarray,
        weight: np.ndarray,
        blocks: np.ndarray | None = None,
    ) -> None:
        """Adds a batch: `coverage` of the outputs, and targets, in its unit times `target_scale`.

        Rows of weight 0 in all tracks (padding) count nowhere. `blocks` tells, int64 `[B]`, which
        windows are drawn together by `resampled`; None: each by itself.
        """
        rows = (weight > 0).any(axis=1)
        if not rows.any():
            return
        predicted = outputs["coverage"][rows].astype(np.float64)
        true = targets[rows].astype(np.float64) * self._scale
        true[np.broadcast_to(weight[rows, None] <= 0, true.shape)] = np.nan
        known = ~np.isnan(true)
        flat = (-1, len(self._tasks))
        self._bins.add(true.reshape(flat), predicted.reshape(flat), known.reshape(flat))
        totals = [np.log1p(np.where(known, values, 0).sum(axis=1)) for values in (true, predicted)]
        self._totals.add(*totals, known.any(axis=1))
        jsds = (
            profile_jsd(true, predicted + _TINY),
            profile_jsd(true, self._profile.before_each(true)),
            profile_jsd(true, np.ones_like(true)),
        )
        for mean, values in zip(self._jsds, jsds, strict=True):
            mean.add(values)
        self._num_windows += len(true)
        if self._origin is None:
            # Near the values, so that no two large sums are taken from each other.
            self._origin = ratio(np.where(known, true, 0).sum(axis=(0, 1)), known.sum(axis=(0, 1)))
            self._origin = np.nan_to_num(self._origin)
        bins = pair_sums(true - self._origin, predicted - self._origin, known)
        of_totals = pair_sums(*(values[:, None] for values in totals), known.any(axis=1)[:, None])
        means = [sum_and_count(values) for values in jsds]
        sums = np.concatenate([bins, of_totals, *means], axis=-1)
        order = self._groups.add(sums, blocks if blocks is None else blocks[rows])
        self._ranks.add(true, predicted, order)

    def resampled(self, counts: np.ndarray) -> dict[tuple[str | None, str], np.ndarray]:
        """Returns the scores `[R]` of resampled windows, by track (or `ALL`: their mean) and name.

        Besides, `JSD_DIFFERENCE` is `profile_jsd` less `mean_profile_jsd` of the same windows. NaN
        where a resample has none.

        Args:
            counts: How often each group of windows was drawn, `[R, num_groups]`.
        """
        sums = np.tensordot(counts, self._groups.sums, axes=1)
        bins, totals, *jsds = np.split(
            sums, np.cumsum([NUM_PAIR_SUMS, NUM_PAIR_SUMS, 2, 2]), axis=-1
        )
        jsd, *without_sequence = (ratio(*np.moveaxis(sums, -1, 0)) for sums in jsds)
        pearson_r, r2 = correlation_and_r2(bins)
        scores = {
            "pearson_r": pearson_r,
            "spearman_r": self._ranks.resampled(counts, self._groups.blocks_per_group),
            "r2": r2,
            "log_total_r": correlation_and_r2(totals)[0],
            "profile_jsd": jsd,
            "mean_profile_jsd": np.fmin(*without_sequence),
        }
        scores[JSD_DIFFERENCE] = scores["profile_jsd"] - scores["mean_profile_jsd"]
        found = {
            (ALL, name): ratio(*sum_and_count(values).sum(axis=1).T)
            for name, values in scores.items()
        }
        for column, task in enumerate(self._tasks):
            found |= {(task, name): values[:, column] for name, values in scores.items()}
        return found

    def result(self) -> dict[str, Any]:
        """Returns `{"pearson_r": ..., "n": ..., "num_undefined": ..., "tasks": {...}}`.

        None stands for what is undefined; `num_undefined` counts tracks that are constant, `n`
        windows. `tasks` holds the scores of each track and is there if there are several.
        """
        jsd, *without_sequence = (mean.mean() for mean in self._jsds)
        scores = {
            "pearson_r": self._bins.correlation(),
            "spearman_r": self._ranks.correlation(),
            "r2": self._bins.r2(),
            "log_total_r": self._totals.correlation(),
            "profile_jsd": jsd,
            "mean_profile_jsd": np.fmin(*without_sequence),
        }
        result = {name: _mean(values) for name, values in scores.items()}
        undefined = int(np.isnan(scores["pearson_r"]).sum())
        result |= {"n": self._num_windows, "num_undefined": undefined}
        if len(self._tasks) == 1:
            return result
        per_task = {
            task: {name: _mean(values[column : column + 1]) for name, values in scores.items()}
            | {"n": int(self._totals.count[column])}
            for column, task in enumerate(self._tasks)
        }
        return result | {"tasks": per_task}


def profile_jsd(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the Jensen-Shannon divergence of the shapes of `x` and `y` in bits, `[B, T]`.

    Bins that are NaN in one of them are left out of both. NaN where one of them has no coverage.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    p, q = (_shares(np.where(known, values, 0)) for values in (x, y))
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _shares(values: np.ndarray) -> np.ndarray:
    return ratio(values, values.sum(axis=1, keepdims=True))


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    # Where p is 0, so is its part of the sum, and q may be 0 as well.
    one = np.where(p > 0, p, 1.0)
    return (p * np.log2(one / np.where(p > 0, q, 1.0))).sum(axis=1)


class _MeanProfile:
    """The mean shape of all windows so far."""

    def __init__(self):
        self._sum = self._count = 0.0

    def before_each(self, values: np.ndarray) -> np.ndarray:
        """Returns the mean over the windows before each, `[B, bins, T]`, NaN where there is none.

        Then takes these windows in as well.
        """
        shares = _shares(np.where(np.isnan(values), 0, values))
        known = ~np.isnan(values) & ~np.isnan(shares)
        shares = np.where(known, shares, 0)
        sums = self._sum + np.cumsum(shares, axis=0)
        counts = self._count + np.cumsum(known, axis=0)
        before = ratio(sums - shares, counts - known)
        self._sum, self._count = sums[-1], counts[-1]
        return before


class _Mean:
    """Means `[T]` of what is not NaN."""

    def __init__(self, size: int):
        self._sum, self._count = np.zeros(size), np.zeros(size)

    def add(self, values: np.ndarray) -> None:
        known = ~np.isnan(values)
        self._sum += np.where(known, values, 0).sum(axis=0)
        self._count += known.sum(axis=0)

    def mean(self) -> np.ndarray:
        return ratio(self._sum, self._count)


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
