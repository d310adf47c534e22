"""Counts of examples, by which every metric takes bootstrap resamples, and ratios of them."""

import numpy as np


def as_counts(targets: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
    """Returns counts `[N]` or `[R, N]` as float64; None: every example once."""
    return np.ones(len(targets)) if counts is None else np.asarray(counts, np.float64)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Returns the ratio, NaN where the denominator is not above 0."""
    is_defined = denominator > 0
    return np.where(is_defined, numerator / np.where(is_defined, denominator, 1.0), np.nan)
