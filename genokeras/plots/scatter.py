"""True against predicted values of a regression, one panel per task."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from genokeras.plots import figure

_MAX_PANELS = 12
_COLUMNS = 4


@dataclasses.dataclass(frozen=True)
class Cloud:
    """The values `[N]` of one task."""

    title: str
    targets: np.ndarray
    predictions: np.ndarray


def draw_scatter(clouds: Sequence[Cloud], path: str | os.PathLike, title: str = "") -> None:
    """Draws the first tasks, `_MAX_PANELS` at most; a line shows where both would be equal."""
    shown = clouds[:_MAX_PANELS]
    columns = min(len(shown), _COLUMNS)
    picture, panels = figure.panels(columns, -(-len(shown) // columns))
    for ax, cloud in zip(panels, shown, strict=False):
        ax.scatter(
            cloud.targets, cloud.predictions, s=6, alpha=0.4, color=figure.COLOURS[0], linewidths=0
        )
        if len(cloud.targets):
            both = np.concatenate([cloud.targets, cloud.predictions])
            ends = float(both.min()), float(both.max())
            ax.plot(ends, ends, color=figure.GREY, linestyle=":", linewidth=1)
        ax.set(xlabel="True", ylabel="Predicted")
        ax.set_title(cloud.title, fontsize=10)
    for ax in panels[len(shown) :]:
        ax.set_axis_off()
    left_out = f" (the first {len(shown)} of {len(clouds)} tasks)" if shown != clouds else ""
    picture.suptitle(title + left_out)
    figure.save(picture, path)
