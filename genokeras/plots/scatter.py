"""True against predicted values of a regression, the baseline in a panel beside the model."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from genokeras.plots import figure

_MAX_PANELS = 12
_COLUMNS = 4


@dataclasses.dataclass(frozen=True)
class Cloud:
    """The values `[N]` of one task, in the units of the table that the data came from."""

    title: str
    targets: np.ndarray
    predictions: np.ndarray
    task: str = ""
    is_baseline: bool = False


def draw_scatter(clouds: Sequence[Cloud], path: str | os.PathLike, title: str = "") -> None:
    """Draws the first clouds, `_MAX_PANELS` at most; a line shows where both would be equal.

    Panels of one task have the same axes.
    """
    shown = clouds[:_MAX_PANELS]
    columns = min(len(shown), _COLUMNS)
    picture, panels = figure.panels(columns, -(-len(shown) // columns))
    for ax, cloud in zip(panels, shown, strict=False):
        colour = figure.COLOURS[1 if cloud.is_baseline else 0]
        ax.scatter(cloud.targets, cloud.predictions, s=6, alpha=0.4, color=colour, linewidths=0)
        if len(cloud.targets):
            ends = _ends([other for other in clouds if other.task == cloud.task])
            ax.plot(ends, ends, color=figure.GREY, linestyle=":", linewidth=1.2, label="equal")
            ax.legend(frameon=False, fontsize=8, loc="upper left")
        ax.set(xlabel=f"Measured {cloud.task}", ylabel=f"Predicted {cloud.task}")
        ax.set_title(cloud.title, fontsize=10)
    for ax in panels[len(shown) :]:
        ax.set_axis_off()
    left_out = f" (the first {len(shown)} of {len(clouds)} panels)" if shown != clouds else ""
    picture.suptitle(f"{title}{left_out}\nin the units of the table")
    figure.save(picture, path)


def _ends(clouds: Sequence[Cloud]) -> tuple[float, float]:
    values = np.concatenate(
        [part for cloud in clouds for part in (cloud.targets, cloud.predictions)]
    )
    return float(values.min()), float(values.max())
