"""Precision, recall and others at every threshold, and where the chosen thresholds are."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np

from genokeras.plots import figure

_MAX_PANELS = 12
_COLUMNS = 3
_MAX_POINTS = 1000


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One panel.

    Attributes:
      title: Of the panel.
      thresholds: `[C]`.
      curves: By name, `[C]`.
      chosen: Thresholds to be marked, by name.
    """

    title: str
    thresholds: np.ndarray
    curves: Mapping[str, np.ndarray]
    chosen: Mapping[str, float]


def draw_threshold_curves(
    sweeps: Sequence[Sweep], path: str | os.PathLike, title: str = ""
) -> None:
    """Draws the first panels, `_MAX_PANELS` at most, with one legend below them.

    Where there is none, the picture says why.
    """
    shown = sweeps[:_MAX_PANELS]
    columns = min(max(len(shown), 1), _COLUMNS)
    rows = max(-(-len(shown) // columns), 1)
    picture, panels = figure.panels(columns, rows, inches_below=0.5)
    for ax, sweep in zip(panels, shown, strict=False):
        kept = figure.evenly(len(sweep.thresholds), _MAX_POINTS)
        for (name, values), colour in zip(sweep.curves.items(), figure.COLOURS, strict=False):
            ax.plot(sweep.thresholds[kept], values[kept], color=colour, linewidth=1.5, label=name)
        for number, (name, threshold) in enumerate(sweep.chosen.items()):
            style = (":", "--", "-.")[number % 3]
            ax.axvline(threshold, color=figure.GREY, linestyle=style, linewidth=1.2, label=name)
        ax.set(xlabel="Threshold", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.set_title(sweep.title, fontsize=10)
    for ax in panels[len(shown) :]:
        ax.set_axis_off()
    if not shown:
        panels[0].text(0.5, 0.5, "no task has examples of both classes", ha="center")
    handles, labels = panels[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    left_out = f" (the first {len(shown)} of {len(sweeps)})" if len(shown) < len(sweeps) else ""
    picture.suptitle(title + left_out)
    figure.save(picture, path)
