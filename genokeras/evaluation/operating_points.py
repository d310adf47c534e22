"""What a classifier does at thresholds that people choose: rules on the valid split, then counts.

A rule looks at the valid split only; what its threshold gives is measured on another split, where
"FPR 5%" may well turn out as 6%. That is the point of measuring it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from genokeras.evaluation.threshold import Cuts, cuts
from genokeras.metrics import classification

HALF = "probability 0.5"
MEASURES = ("precision", "recall", "specificity", "f1", "mcc")


def operating_points(
    targets: np.ndarray,
    probabilities: np.ndarray,
    valid: tuple[np.ndarray, np.ndarray] | None,
) -> list[dict[str, Any]]:
    """Returns a table of operating points: rules, their thresholds, and what these give.

    Args:
      targets: 0 or 1 of the split to measure on, `[N]`.
      probabilities: Of the same examples.
      valid: Targets and probabilities of the valid split, None if there is none.

    Returns:
      For every rule `rule`, `threshold` (None where no threshold on valid does what it asks for, or
      there is no valid split), and at that `precision`, `recall`, `specificity`, `f1`, `mcc`.
    """
    found = None if valid is None else cuts(valid[1], valid[0])
    rows = [{"rule": HALF, **measures(targets, probabilities, 0.5)}]
    for rule, choose in _RULES.items():
        threshold = None if found is None else choose(found)
        rows.append({"rule": rule, **measures(targets, probabilities, threshold)})
    return rows


def measures(
    targets: np.ndarray, probabilities: np.ndarray, threshold: float | None
) -> dict[str, float | None]:
    """Returns `threshold` and, at it, `MEASURES`; None where undefined."""
    if threshold is None:
        return {"threshold": None, **dict.fromkeys(MEASURES)}
    called = probabilities >= threshold
    tp, fp, fn, tn = (float(cell) for cell in classification.confusion(targets, called))
    return {
        "threshold": float(threshold),
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "specificity": _share(tn, tn + fp),
        "f1": _or_none(classification.f1(targets, called)),
        "mcc": _or_none(classification.mcc(targets, called)),
    }


def confusion(
    targets: np.ndarray, probabilities: np.ndarray, threshold: float | None
) -> dict[str, int] | None:
    """Returns how many examples are `tp`, `fp`, `tn` and `fn` at a threshold; None without one."""
    if threshold is None:
        return None
    tp, fp, fn, tn = classification.confusion(targets, probabilities >= threshold)
    return {"tp": int(tp), "fp": int(fp), "tn": int(tn), "fn": int(fn)}


def _lowest_where(holds: Callable[[Cuts], np.ndarray]) -> Callable[[Cuts], float | None]:
    """The lowest threshold, which calls most examples, at which something holds on valid."""

    def choose(found: Cuts) -> float | None:
        places = np.flatnonzero(holds(found))
        return float(found.thresholds[places[-1]]) if len(places) else None

    return choose


def _first_where(holds: Callable[[Cuts], np.ndarray]) -> Callable[[Cuts], float | None]:
    """The highest threshold, which calls fewest examples, at which something holds on valid."""

    def choose(found: Cuts) -> float | None:
        places = np.flatnonzero(holds(found))
        return float(found.thresholds[places[0]]) if len(places) else None

    return choose


_RULES: dict[str, Callable[[Cuts], float | None]] = {
    "best F1 on valid": lambda found: float(found.thresholds[np.argmax(found.f1)]),
    "best MCC on valid": lambda found: float(found.thresholds[np.argmax(found.mcc)]),
    "FPR 5% on valid": _lowest_where(lambda found: found.false_positive_rate <= 0.05),
    "FPR 1% on valid": _lowest_where(lambda found: found.false_positive_rate <= 0.01),
    "precision 90% on valid": _lowest_where(lambda found: found.precision >= 0.9),
    "recall 90% on valid": _first_where(lambda found: found.recall >= 0.9),
}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _or_none(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None
