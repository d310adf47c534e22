"""Percentile bootstrap: how far a score would move on another test set of the same size.

Examples are drawn with replacement, without regard to their class, so that the balance of the
classes varies as well. A resample is a row of counts (how often each example was drawn), which lets
the metrics score many of them from one sort.

Shapes: `R` resamples of `N` examples.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping

import numpy as np

# Elements of a block of counts: enough to be vectorised, and a few times 16 MB in all.
_BLOCK = 2_000_000


def resample_counts(num_examples: int, num_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yields blocks `[r, N]`, float64, of how often each example was drawn; rows sum to `N`.

    The rows depend on `seed` and `num_examples` alone: two models scored with the same seed meet
    the same resamples, which makes their differences paired.
    """
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // max(1, num_examples))
    for start in range(0, num_resamples, rows):
        block = np.empty((min(rows, num_resamples - start), num_examples))
        for row in block:
            drawn = rng.integers(num_examples, size=num_examples)
            row[:] = np.bincount(drawn, minlength=num_examples)
        yield block


def resampled_scores(
    score: Callable[[np.ndarray], Mapping[Hashable, np.ndarray]],
    num_examples: int,
    *,
    num_resamples: int = 1000,
    seed: int = 0,
    progress: Callable | None = None,
) -> dict[Hashable, np.ndarray]:
    """Returns the scores `[R]` of every resample, by name.

    Args:
        score: Takes counts `[r, N]`, returns named scores `[r]`, NaN where a resample has none
            (AUROC of one class).
        num_examples: `N`.
        num_resamples: `R`.
        seed: Of the draws.
        progress: Makes a progress bar from a text and a total.
    """
    bar = progress("Bootstrap", num_resamples) if progress else None
    blocks = []
    try:
        for counts in resample_counts(num_examples, num_resamples, seed):
            blocks.append(score(counts))
            if bar:
                bar.update(len(counts))
    finally:
        if bar:
            bar.close()
    names = blocks[0] if blocks else ()
    return {name: np.concatenate([np.asarray(block[name]) for block in blocks]) for name in names}


def interval(scores: np.ndarray, level: float = 0.95) -> list[float] | None:
    """Returns both ends of the central `level` of resampled scores `[R]`.

    Resamples without a score are left out; None where that is more than half of them.
    """
    defined = scores[np.isfinite(scores)]
    if 2 * len(defined) <= len(scores):
        return None
    return np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
