"""Reliability: the share of positives among examples given about the same probability.

A calibrated model lies on the diagonal, an overconfident one is flatter.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.plots import figure

_NUM_HISTOGRAM_BINS = 25


@dataclasses.dataclass(frozen=True)
class Reliability:
    """One curve: its name in the legend, and bins as `reliability_bins` returns them."""

    label: str
    bins: Sequence[Mapping[str, Any]]
    is_baseline: bool = False
    is_secondary: bool = False


def draw_reliability(
    curves: Sequence[Reliability],
    probabilities: Mapping[str, np.ndarray],
    path: str | os.PathLike,
    title: str = "",
) -> None:
    """Draws reliability curves with 95% intervals, and beside them how probabilities are spread.

    Args:
      curves: A baseline is dashed; a secondary one (after a temperature) is thin and has no bars.
      probabilities: By name in the legend: those of the positives `[P]` and of the negatives `[N]`.
      path: The picture.
      title: Above it.
    """
    picture, (left, right) = figure.panels(columns=2, inches_below=0.19 * (len(curves) + 1))
    for number, curve in enumerate(curves):
        x = [part["mean_probability"] for part in curve.bins]
        y = np.array([part["share_positive"] for part in curve.bins])
        style: dict[str, Any] = {"color": figure.COLOURS[number % len(figure.COLOURS)]}
        style |= {"linestyle": "--" if curve.is_baseline else "-", "label": curve.label}
        ends = np.array([part["share_positive_ci"] for part in curve.bins]).T
        bars = None if curve.is_secondary else np.abs(ends - y)
        style["linewidth"] = 1 if curve.is_secondary else 1.5
        left.errorbar(x, y, bars, marker="o", markersize=4, capsize=2, **style)
    left.plot([0, 1], [0, 1], color=figure.GREY, linestyle=":", linewidth=1.2, label="calibrated")
    left.set(xlabel="Mean predicted probability", ylabel="Share of positives", aspect="equal")
    left.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    edges = np.linspace(0, 1, _NUM_HISTOGRAM_BINS + 1)
    for (label, values), colour in zip(
        probabilities.items(), figure.CLASS_COLOURS[::-1], strict=True
    ):
        right.hist(values, edges, histtype="step", linewidth=1.5, color=colour, label=label)
    right.set(xlabel="Predicted probability (model)", ylabel="Examples", xlim=(-0.02, 1.02))
    for ax in (left, right):
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "borderaxespad": 4.5}
        ax.legend(**below, frameon=False, fontsize=9)
    picture.suptitle(title)
    figure.save(picture, path)
