"""Exact scores of a regression, equal to SciPy's and scikit-learn's; `counts` as for classifiers.

Shapes: targets and predictions `[N]`. A correlation with something constant is undefined: NaN.
"""

import numpy as np

from genokeras.metrics.counts import as_counts, ratio


def pearson_r(
    targets: np.ndarray, predictions: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns the linear correlation."""
    targets, predictions = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    return _correlation(targets, predictions, as_counts(targets, counts))


def spearman_r(
    targets: np.ndarray, predictions: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns the correlation of ranks, tied values sharing the mean of their ranks."""
    counts = as_counts(targets, counts)
    return _correlation(_ranks(targets, counts), _ranks(predictions, counts), counts)


def r2(
    targets: np.ndarray, predictions: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns 1 - squared error / variance of the targets: 0 for their mean, negative for worse."""
    targets, predictions = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    counts = as_counts(targets, counts)
    spread = np.sum(counts * _centred(targets, counts) ** 2, axis=-1)
    error = np.sum(counts * (targets - predictions) ** 2, axis=-1)
    return 1 - ratio(error, spread)


def mean_squared_error(
    targets: np.ndarray, predictions: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns the mean squared error."""
    targets, predictions = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    counts = as_counts(targets, counts)
    error = np.sum(counts * (targets - predictions) ** 2, axis=-1)
    return ratio(error, counts.sum(-1))


def _correlation(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    x, y = _centred(x, counts), _centred(y, counts)
    covariance = np.sum(counts * x * y, axis=-1)
    size = np.sqrt(np.sum(counts * x**2, axis=-1) * np.sum(counts * y**2, axis=-1))
    return ratio(covariance, size)


def _centred(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    total = np.maximum(counts.sum(-1, keepdims=True), 1.0)
    # A constant must centre to zero exactly, which the mean of equal numbers does not promise.
    x = x - x[..., :1]
    return x - np.sum(counts * x, axis=-1, keepdims=True) / total


def _ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the mean rank of each example among the counted ones, `[..., N]`."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values)[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    sizes = np.add.reduceat(counts[..., order], np.flatnonzero(is_first), axis=-1)
    group = np.empty(len(order), int)
    group[order] = np.cumsum(is_first) - 1
    return (np.cumsum(sizes, axis=-1) - (sizes - 1) / 2)[..., group]
