"""Receiver operating characteristic and precision-recall curves, the baseline drawn in.

Shapes: `N` examples; a curve belongs to one task and one model.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from genokeras.plots import figure

_MAX_LEGEND = 6
_MAX_POINTS = 2000
# The precision of fewer calls than these jumps between 0 and 1: it is not drawn.
_MIN_CALLS = 10


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line in both panels: scores `[N]`, 0/1 targets `[N]`, and the texts of the legends."""

    label: str
    scores: np.ndarray
    targets: np.ndarray
    auroc: str = ""
    auprc: str = ""
    is_baseline: bool = False


def roc_points(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns false and true positive rates at every distinct score, from (0, 0) to (1, 1)."""
    true_positives, predicted = _counts(scores, targets)
    positives, negatives = true_positives[-1], predicted[-1] - true_positives[-1]
    return (predicted - true_positives) / negatives, true_positives / positives


def pr_points(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns recall and precision at every distinct score, the highest first.

    To be drawn as steps: the area under them is the average precision, not more (a straight line
    between two points would promise precision that no threshold reaches).
    """
    true_positives, predicted = _counts(scores, targets)
    recall, precision = true_positives[1:] / true_positives[-1], true_positives[1:] / predicted[1:]
    return np.append(0.0, recall), np.append(precision[0], precision)


def settled_pr_points(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns `pr_points` without those of so few calls that their precision says nothing."""
    recall, precision = pr_points(scores, targets)
    _, calls = _counts(scores, targets)
    kept = calls >= fewest_calls(np.count_nonzero(targets > 0.5))
    return recall[kept], precision[kept]


def fewest_calls(positives: int) -> int:
    """Returns how many examples must be called positive for their precision to be drawn."""
    return min(_MIN_CALLS, -(-positives // 10))


def draw_roc_pr(curves: Sequence[Curve], path: str | os.PathLike, title: str = "") -> None:
    """Draws the curves into a picture; those whose targets are of one class are left out.

    Dotted: what chance gives. Curves of one label share a colour, a baseline is dashed. Precision
    is drawn from the tenth call on (or the first tenth of the positives): that of fewer is chance.
    """
    drawn = [curve for curve in curves if len(np.unique(curve.targets)) == 2]
    picture, (roc, pr) = figure.panels(
        columns=2, inches_below=0.19 * (1 + min(len(drawn), _MAX_LEGEND))
    )
    labels = list(dict.fromkeys(curve.label for curve in drawn))
    for curve in drawn:
        colour = figure.COLOURS[labels.index(curve.label) % len(figure.COLOURS)]
        style = {"color": colour, "linestyle": "--" if curve.is_baseline else "-", "linewidth": 1.5}
        roc.plot(*_thin(*roc_points(curve.scores, curve.targets)), label=curve.auroc, **style)
        recall, precision = _thin(*settled_pr_points(curve.scores, curve.targets))
        pr.plot(recall, precision, drawstyle="steps-pre", label=curve.auprc, **style)
    chance = {"color": figure.GREY, "linestyle": ":", "linewidth": 1.2}
    roc.plot([0, 1], [0, 1], label="chance: AUROC 0.500", **chance)
    shares = list(dict.fromkeys(float(np.mean(curve.targets)) for curve in drawn))
    for share in shares:
        text = f"chance: AUPRC {share:.3f}" if len(shares) == 1 else "chance: share of positives"
        pr.axhline(share, label=text if share == shares[0] else None, **chance)
    roc.set(xlabel="False positive rate", ylabel="True positive rate (recall)", aspect="equal")
    pr.set(xlabel="Recall", ylabel="Precision", aspect="equal")
    for ax in (roc, pr):
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        if len(drawn) <= _MAX_LEGEND and ax.get_legend_handles_labels()[1]:
            # Under the axis and its label, whatever the size of the panel.
            below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "borderaxespad": 4.5}
            ax.legend(**below, frameon=False, fontsize=9)
    picture.suptitle(title)
    figure.save(picture, path)


def _counts(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns true positives and predicted positives as the threshold falls; ties fall together."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_ties = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    true_positives = np.cumsum(targets[order] > 0.5)[last_of_ties]
    return np.append(0, true_positives), np.append(0, last_of_ties + 1)


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = figure.evenly(len(x), _MAX_POINTS)
    return x[kept], y[kept]
