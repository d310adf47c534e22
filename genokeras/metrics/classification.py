"""Exact scores of a binary classifier, from one sort, ties included; equal to scikit-learn's.

Every function takes `counts`: how often each example occurs, integers `[N]` or `[R, N]` for `R`
bootstrap resamples, which are then scored together: `[R]`, equal to the scores of the resampled
arrays. Counts of zero leave examples out. Shapes: `N` examples, targets 0 or 1 `[N]`, scores `[N]`,
higher for 1. What is undefined (one class only) is NaN.
"""

import numpy as np

from genokeras.metrics.counts import as_counts, ratio


def auroc(targets: np.ndarray, scores: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Returns the probability that a positive scores above a negative, a tie counting one half."""
    positives, negatives = _per_score(targets, scores, counts)
    below = np.cumsum(negatives, axis=-1) - negatives
    wins = np.sum(positives * (below + negatives / 2), axis=-1)
    return ratio(wins, positives.sum(-1) * negatives.sum(-1))


def auprc(targets: np.ndarray, scores: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Returns average precision: the mean, over positives, of precision at their score or above."""
    positives, negatives = (np.flip(part, -1) for part in _per_score(targets, scores, counts))
    true_positives = np.cumsum(positives, axis=-1)
    called = true_positives + np.cumsum(negatives, axis=-1)
    precision = true_positives / np.maximum(called, 1)
    total = positives.sum(-1)
    undefined = (total == 0) | (negatives.sum(-1) == 0)
    return np.where(undefined, np.nan, ratio(np.sum(positives * precision, axis=-1), total))


def confusion(
    targets: np.ndarray, predicted: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns true positives, false positives, false negatives, true negatives as float64."""
    counts = as_counts(targets, counts)
    targets, predicted = np.asarray(targets) > 0, np.asarray(predicted).astype(bool)
    cells = (targets & predicted, ~targets & predicted, targets & ~predicted, ~targets & ~predicted)
    return tuple(counts @ cell.astype(np.float64) for cell in cells)


def accuracy(
    targets: np.ndarray, predicted: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns the share of right predictions (bool `[N]`)."""
    tp, fp, fn, tn = confusion(targets, predicted, counts)
    return ratio(tp + tn, tp + fp + fn + tn)


def f1(targets: np.ndarray, predicted: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Returns `2 TP / (2 TP + FP + FN)`; NaN if there is one class only."""
    tp, fp, fn, tn = confusion(targets, predicted, counts)
    value = ratio(2 * tp, 2 * tp + fp + fn)
    return np.where((tp + fn == 0) | (fp + tn == 0), np.nan, value)


def mcc(targets: np.ndarray, predicted: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Returns Matthews' correlation of targets and predictions (bool `[N]`).

    It is 0 where all examples are called alike, as in scikit-learn.
    """
    tp, fp, fn, tn = confusion(targets, predicted, counts)
    size = np.sqrt(tp + fp) * np.sqrt(fn + tn) * np.sqrt(tp + fn) * np.sqrt(fp + tn)
    value = (tp * tn - fp * fn) / np.where(size > 0, size, 1.0)
    return np.where((tp + fn == 0) | (fp + tn == 0), np.nan, value)


def log_loss(
    targets: np.ndarray, logits: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Returns the mean binary cross-entropy in nats."""
    counts = as_counts(targets, counts)
    logits = np.asarray(logits, np.float64)
    losses = np.logaddexp(0.0, logits) - logits * np.asarray(targets, np.float64)
    return ratio(counts @ losses, counts.sum(-1))


def _per_score(
    targets: np.ndarray, scores: np.ndarray, counts: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns positives and negatives at each distinct score, lowest first, `[..., G]`."""
    counts = as_counts(targets, counts)
    order = np.argsort(scores, kind="stable")
    ordered = np.asarray(scores)[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    positive = (np.asarray(targets)[order] > 0).astype(np.float64)
    counts = counts[..., order]
    return (
        np.add.reduceat(counts * positive, starts, axis=-1),
        np.add.reduceat(counts * (1 - positive), starts, axis=-1),
    )
