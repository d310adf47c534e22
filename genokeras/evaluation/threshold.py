"""Cut-offs of a probability, to be chosen on the valid split and used on any other.

Shapes: `N` examples, `C` distinct probabilities, each of which a threshold can fall below.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Cuts:
    """What every threshold would do, the highest first.

    Attributes:
        thresholds: `probability >= threshold` is a positive, float64 `[C]`. A threshold lies
            half-way to the next lower probability, so that rounding moves no example across.
        true_positives: Positives called so, `[C]`.
        false_positives: Negatives called positive, `[C]`.
        positives: All of them.
        negatives: All of them.
    """

    thresholds: np.ndarray
    true_positives: np.ndarray
    false_positives: np.ndarray
    positives: int
    negatives: int

    @property
    def recall(self) -> np.ndarray:
        """The share of the positives that are called, `[C]`."""
        return self.true_positives / self.positives

    @property
    def false_positive_rate(self) -> np.ndarray:
        """The share of the negatives that are called, `[C]`."""
        return self.false_positives / self.negatives

    @property
    def precision(self) -> np.ndarray:
        """The share of the called that are positive, `[C]`."""
        return self.true_positives / (self.true_positives + self.false_positives)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of precision and recall, `[C]`."""
        called = self.true_positives + self.false_positives
        return 2 * self.true_positives / (called + self.positives)

    @property
    def mcc(self) -> np.ndarray:
        """Matthews' correlation, `[C]`; 0 where all are called."""
        called = self.true_positives + self.false_positives
        rest = self.positives + self.negatives - called
        size = np.sqrt(called * rest * float(self.positives) * self.negatives)
        expected = called * self.positives / (self.positives + self.negatives)
        gain = (self.true_positives - expected) * (self.positives + self.negatives)
        return gain / np.where(size > 0, size, 1.0)


def cuts(
    probability: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> Cuts | None:
    """Returns all thresholds that tell examples apart, or None where labels are of one class.

    Args:
        probability: `[N]`.
        targets: 0 or 1, `[N]`.
        weight: `[N]`; 0 leaves an example out (a missing label). None: all count.
    """
    labelled = np.ones(len(targets), bool) if weight is None else weight > 0
    probability = probability[labelled].astype(np.float64)
    is_positive = targets[labelled] > 0.5
    if is_positive.all() or not is_positive.any():
        return None
    order = np.argsort(-probability, kind="stable")
    ordered = probability[order]
    last_of_ties = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    values = ordered[last_of_ties]
    between = (values[:-1] + values[1:]) / 2
    # Of two neighbouring numbers there may be none between them.
    between = np.where(between > values[1:], between, values[:-1])
    true_positives = np.cumsum(is_positive[order])[last_of_ties]
    return Cuts(
        thresholds=np.append(between, values[-1]),
        true_positives=true_positives,
        false_positives=last_of_ties + 1 - true_positives,
        positives=int(is_positive.sum()),
        negatives=int((~is_positive).sum()),
    )


def best_f1_threshold(
    probability: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> float | None:
    """Returns the threshold with the highest F1, of several the highest; None as `cuts` does."""
    found = cuts(probability, targets, weight)
    return None if found is None else float(found.thresholds[np.argmax(found.f1)])
