"""The scores of predicted bases that were hidden, added up batch by batch.

Shapes: `B` windows, sums `[B, 2]` of their hidden bases outside of repeats and in repeats.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from genokeras.metrics.counts import ratio
from genokeras.metrics.window_groups import WindowGroups

_SUMS = ("num_bases", "cross_entropy", "num_right")
_OF_BOTH, _OUTSIDE, _IN_REPEATS = "", "_outside_repeats", "_in_repeats"


class MaskedBaseScores:
    """Means over hidden bases, each with the same weight.

    `cross_entropy` in nats per hidden base (ln 4 = 1.386 of a model that knows nothing),
    `expected_loss`, that times `mask_rate`, `perplexity`, its exponential, from 1 to 4 and more,
    and `accuracy`. Where some bases are known to be in repeats, all but `expected_loss` also of the
    bases outside of them and in them.
    """

    def __init__(self):
        self._groups = WindowGroups(2, len(_SUMS))
        self._mask_rate = float("nan")
        self._num_windows = 0

    @property
    def num_groups(self) -> int:
        """Number of groups of windows that `resampled` draws from."""
        return len(self._groups.sums)

    def add(
        self,
        outputs: Mapping[str, np.ndarray],
        targets: np.ndarray | None,
        weight: np.ndarray,
        blocks: np.ndarray | None = None,
    ) -> None:
        """Adds a batch; `weight` `[B]` or `[B, T]` is 0 of padding, `targets` do not matter."""
        rows = weight.reshape(len(weight), -1).max(axis=1) > 0
        if not rows.any():
            return
        sums = np.stack([np.asarray(outputs[name], np.float64)[rows] for name in _SUMS], axis=-1)
        self._groups.add(sums, blocks if blocks is None else blocks[rows])
        self._mask_rate = float(outputs["mask_rate"][0])
        self._num_windows += len(sums)

    def resampled(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the scores `[R]` of resampled windows, NaN where a resample has none.

        Args:
            counts: How often each group of windows was drawn, `[R, num_groups]`.
        """
        sums = np.tensordot(counts, self._groups.sums, axes=1)
        scores = self._scores(sums.sum(axis=1), _OF_BOTH)
        scores["expected_loss"] = self._mask_rate * scores["cross_entropy"]
        if self._groups.sums[:, 1, 0].any():
            scores |= self._scores(sums[:, 0], _OUTSIDE) | self._scores(sums[:, 1], _IN_REPEATS)
        return scores

    def result(self) -> dict[str, Any]:
        """Returns the scores by name, None where there are none; `n` windows, `num_bases` hidden.

        How many of these are in repeats is `num_bases_in_repeats`.
        """
        found = self.resampled(np.ones((1, self.num_groups)))
        scores = {name: _number(values[0]) for name, values in found.items()}
        num_bases = self._groups.sums[..., 0].sum(axis=0)
        counts = {"n": self._num_windows, "num_bases": int(num_bases.sum())}
        return scores | counts | {"num_bases_in_repeats": int(num_bases[1])}

    def _scores(self, sums: np.ndarray, of: str) -> dict[str, np.ndarray]:
        count, cross_entropy, num_right = np.moveaxis(sums, -1, 0)
        mean = ratio(cross_entropy, count)
        scores = {"cross_entropy": mean, "perplexity": np.exp(mean)}
        scores["accuracy"] = ratio(num_right, count)
        return {f"{name}{of}": values for name, values in scores.items()}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
