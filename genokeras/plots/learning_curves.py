"""Learning curves of a run: loss and metrics by step, on training and valid examples."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from genokeras.metrics.supervised import TITLES
from genokeras.plots import figure

# The metrics drawn beside the loss, of a classifier, of a regression or of coverage.
_METRICS = ("auroc", "auprc", "pearson_r", "spearman_r", "profile_jsd")
_LABELS = {"train": "training examples", "valid": "valid split"}


def draw_learning_curves(
    rows: Sequence[Mapping[str, Any]],
    path: str | os.PathLike,
    *,
    title: str = "",
    best_step: int | None = None,
) -> None:
    """Draws what a run has measured.

    Args:
      rows: As in metrics.jsonl: `{"step": n, "train": {...}, "valid": {...}}`.
      path: The picture.
      title: Above it.
      best_step: Marked with a line.
    """
    measured = {name for row in rows for part in _LABELS for name in row.get(part, {})}
    names = ["loss", *(name for name in _METRICS if name in measured)]
    picture, panels = figure.panels(len(names))
    for ax, name in zip(panels, names, strict=True):
        for part in _LABELS:
            points = [(row["step"], row[part][name]) for row in rows if name in row.get(part, {})]
            points = [(step, value) for step, value in points if value is not None]
            if points:
                style = {"color": figure.SPLIT_COLOURS[part], "label": _LABELS[part]}
                ax.plot(*zip(*points, strict=True), **style)
        if best_step is not None:
            ax.axvline(best_step, color=figure.GREY, linestyle=":", linewidth=1, label="best")
        ax.set(xlabel="Step", title=TITLES[name])
    if any(panels[0].get_legend_handles_labels()):
        panels[0].legend(frameon=False, fontsize=9)
    picture.suptitle(title)
    figure.save(picture, path)
