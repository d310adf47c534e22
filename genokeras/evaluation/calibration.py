"""Whether probabilities are what they say: of the examples given 0.8, are 80% positive?

Reliability is measured in bins of equal mass: probabilities of a trained classifier crowd at 0 and
1, and bins of equal width would leave a handful of examples in the middle, whose share of positives
says nothing. The expected calibration error (ECE) is the mean distance, over examples, between the
mean probability and the share of positives of their bin. It is never negative, so a perfectly
calibrated model has an ECE above 0 as well; how much, is found by drawing labels from the model's
own probabilities (`ece_if_calibrated`). Compare the ECE with that, not with 0.

A temperature divides all logits of a task. That with the lowest log loss on the valid split mends
what is over- or underconfident as a whole, and moves no example past another (Guo et al. 2017,
arXiv:1706.04599).

Shapes: `N` examples with a label, `R` resamples, `K` bins; targets 0 or 1 `[N]`, logits `[N]`.
"""

from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap
from genokeras.evaluation.bins import equal_mass_bins
from genokeras.evaluation.scores import probability

NUM_BINS = 10
# Fewer examples than this per bin say nothing about a share.
_MIN_PER_BIN = 10
_Z95 = 1.959963984540054
_NEWTON_STEPS = 100


def calibration(
    targets: np.ndarray,
    logits: np.ndarray,
    temperature: float | None,
    *,
    num_bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns how well probabilities are calibrated, before and after a temperature.

    Args:
      targets: 0 or 1.
      logits: Of the model.
      temperature: Fitted on other examples (`fit_temperature`), or None.
      num_bootstrap: Resamples behind the interval and behind `ece_if_calibrated`; 0: neither.
      seed: Of the resamples.

    Returns:
      `ece`, its interval `ece_ci` (from 0 where a calibrated model could have such an ECE),
      `ece_if_calibrated` (the mean for labels drawn from these probabilities, and
      `ece_if_calibrated_ci`, where 95% of such ECEs lie), `brier` (mean squared error of the
      probability), `temperature`, `ece_after_temperature`, `bins` and `bins_after_temperature` (see
      `reliability_bins`). None where there is no example.
    """
    probabilities = probability(logits)
    bins = _bins(probabilities)
    result: dict[str, Any] = {
        "ece": _ece(targets, probabilities, bins),
        "ece_ci": None,
        "ece_if_calibrated": None,
        "ece_if_calibrated_ci": None,
        "brier": float(np.mean((probabilities - targets) ** 2)) if len(targets) else None,
        "temperature": temperature,
        "ece_after_temperature": None,
        "bins": reliability_bins(targets, probabilities),
        "bins_after_temperature": None,
    }
    if num_bootstrap and len(targets):
        options = {"num_resamples": num_bootstrap, "seed": seed}
        if_calibrated = _ece_if_calibrated(probabilities, bins, **options)
        expected = bootstrap.interval(if_calibrated)
        result["ece_if_calibrated"] = float(if_calibrated.mean())
        result["ece_if_calibrated_ci"] = expected
        low, high = _ece_interval(targets, probabilities, bins, **options)
        result["ece_ci"] = [0.0 if result["ece"] <= expected[1] else low, high]
    if temperature is not None:
        cooled = probability(logits / temperature)
        result["ece_after_temperature"] = _ece(targets, cooled, _bins(cooled))
        result["bins_after_temperature"] = reliability_bins(targets, cooled)
    return result


def reliability_bins(targets: np.ndarray, probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Returns bins of equal mass, lowest probabilities first.

    Each has `from` and `to` (its lowest and highest probability), `n`, `mean_probability`,
    `share_positive` and its 95% interval `share_positive_ci` (Wilson). There are `NUM_BINS` of
    them, fewer if there are few examples or many equal probabilities.
    """
    bins = _bins(probabilities)
    result = []
    for number in range(bins.max(initial=-1) + 1):
        rows = bins == number
        inside, positives = probabilities[rows], float(np.sum(targets[rows] > 0.5))
        result.append(
            {
                "from": float(inside.min()),
                "to": float(inside.max()),
                "n": len(inside),
                "mean_probability": float(inside.mean()),
                "share_positive": positives / len(inside),
                "share_positive_ci": list(wilson_interval(positives, len(inside))),
            }
        )
    return result


def expected_calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Returns the mean distance of probability and share of positives; None without examples."""
    return _ece(targets, probabilities, _bins(probabilities))


def wilson_interval(positives: float, count: int) -> tuple[float, float]:
    """Returns the 95% interval of a share of `count` examples (Wilson 1927).

    Unlike the normal one it stays between 0 and 1, and has a width at shares of 0 and 1.
    doi:10.1080/01621459.1927.10502953.
    """
    share, spread = positives / count, _Z95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def fit_temperature(targets: np.ndarray, logits: np.ndarray) -> float | None:
    """Returns the temperature by which to divide logits for the lowest log loss.

    The log loss is convex in the inverse of the temperature, so its minimum is where the slope
    changes sign: Newton's steps, held between the ends of a bracket.

    Returns:
      The temperature; above 1 for an overconfident model. None where there is none: no example, the
      classes are separated without a mistake (the colder the better), or the logits point the wrong
      way (the hotter the better).
    """
    targets, logits = np.asarray(targets, np.float64), np.asarray(logits, np.float64)

    def slope(inverse: float) -> float:
        return float(np.mean((probability(inverse * logits) - targets) * logits))

    is_wrong = (logits != 0) & ((logits > 0) != (targets > 0.5))
    if not is_wrong.any() or slope(0.0) >= 0:
        return None
    low, high = 0.0, 1.0
    while slope(high) < 0:
        low, high = high, 2 * high
    inverse = (low + high) / 2
    for _ in range(_NEWTON_STEPS):
        here, p = slope(inverse), probability(inverse * logits)
        low, high = (inverse, high) if here < 0 else (low, inverse)
        curvature = float(np.mean(p * (1 - p) * logits**2))
        step = inverse - here / curvature if curvature > 0 else low
        following = step if low < step < high else (low + high) / 2
        if following == inverse:
            break
        inverse = following
    return 1 / inverse


def _bins(probabilities: np.ndarray) -> np.ndarray:
    num_bins = max(1, min(NUM_BINS, len(probabilities) // _MIN_PER_BIN))
    return equal_mass_bins(probabilities, num_bins)


def _ece(targets: np.ndarray, probabilities: np.ndarray, bins: np.ndarray) -> float | None:
    if not len(targets):
        return None
    gaps = np.bincount(bins, weights=probabilities - targets)
    return float(np.abs(gaps).sum() / len(targets))


def _ece_interval(
    targets: np.ndarray,
    probabilities: np.ndarray,
    bins: np.ndarray,
    *,
    num_resamples: int,
    seed: int,
) -> list[float]:
    """Returns a bootstrap interval from which the bias of resampling is taken off, not below 0.

    A resample is noisier than the split itself, which raises its ECE: percentiles would lie too
    high, often wholly above the estimate. The lower end is the reversed percentile, which takes the
    bias of the estimate off as well; the upper end is the percentile less the bias of resampling.
    In simulations of 500 to 4000 examples the interval held the true ECE in 91 to 98 of 100.
    """
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    gaps = (probabilities - targets)[order]
    parts = [
        np.abs(np.add.reduceat(counts * gaps, starts, axis=1)).sum(axis=1)
        for counts in bootstrap.resample_counts(len(gaps), num_resamples, seed)
    ]
    resampled = np.concatenate(parts) / len(gaps)
    ece = np.abs(np.add.reduceat(gaps, starts)).sum() / len(gaps)
    high = bootstrap.interval(resampled)[1]
    return [float(np.clip(2 * ece - high, 0, ece)), float(high - resampled.mean() + ece)]


def _ece_if_calibrated(
    probabilities: np.ndarray, bins: np.ndarray, *, num_resamples: int, seed: int
) -> np.ndarray:
    """Returns the ECEs `[R]` of labels drawn from the probabilities themselves."""
    rng = np.random.default_rng(seed)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    ordered = probabilities[order]
    result = np.empty(num_resamples)
    for number in range(num_resamples):
        gaps = ordered - (rng.random(len(ordered)) < ordered)
        result[number] = np.abs(np.add.reduceat(gaps, starts)).sum() / len(ordered)
    return result
