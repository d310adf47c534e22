"""The cut-off with the best F1, to be chosen on the valid split and used on any other."""

import numpy as np


def best_f1_threshold(
    probability: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
) -> float | None:
    """Returns the threshold with the highest F1, where `probability >= threshold` is a positive.

    Every distinct probability is tried. The threshold lies half-way to the next lower one, so that
    rounding moves no example across; of several with the same F1 the highest is taken.

    Args:
        probability: `[N]`.
        targets: 0 or 1, `[N]`.
        weight: `[N]`; 0 leaves an example out (a missing label). None: all count.

    Returns:
        The threshold, or None where the labels are all of one class.
    """
    labelled = np.ones(len(targets), bool) if weight is None else weight > 0
    probability = probability[labelled].astype(np.float64)
    is_positive = targets[labelled] > 0.5
    if is_positive.all() or not is_positive.any():
        return None
    order = np.argsort(-probability, kind="stable")
    values = probability[order]
    last_of_ties = np.flatnonzero(np.append(values[1:] < values[:-1], True))
    true_positives = np.cumsum(is_positive[order])[last_of_ties]
    f1 = 2 * true_positives / (last_of_ties + 1 + is_positive.sum())
    cut = last_of_ties[np.argmax(f1)]
    if cut == len(values) - 1:
        return float(values[cut])
    between = (values[cut] + values[cut + 1]) / 2
    return float(between if between > values[cut + 1] else values[cut])
