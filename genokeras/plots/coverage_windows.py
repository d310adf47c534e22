"""Windows of coverage: what is true, and what is predicted, along the DNA.

Shapes: `B` bins, `T` tasks.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from genokeras.plots import figure

MAX_TASKS = 4
_INCHES = (9.0, 2.2)


class Window(NamedTuple):
    """A window: a title, and coverage `[B, T]`, NaN where it is missing."""

    title: str
    true: np.ndarray
    predicted: np.ndarray


def draw_coverage_windows(
    path: str | os.PathLike,
    *,
    title: str,
    tasks: Sequence[str],
    bin_bp: int,
    windows: Sequence[Window],
) -> None:
    """Draws a row for each window and task, of the first tasks if they are many.

    Args:
        path: The file; its ending says the format.
        title: Of the picture.
        tasks: `T` names.
        bin_bp: Bases of a bin.
        windows: What to draw.

    Raises:
        InputError: matplotlib is not installed.
    """
    shown = tasks[:MAX_TASKS]
    picture, axes = figure.panels(columns=1, rows=len(windows) * len(shown))
    picture.set_size_inches(_INCHES[0], _INCHES[1] * len(axes))
    for number, ax in enumerate(axes):
        window, column = divmod(number, len(shown))
        name, true, predicted = windows[window]
        middles = (np.arange(len(true)) - (len(true) - 1) / 2) * bin_bp
        given = true[:, column]
        ax.fill_between(
            middles, given, step="mid", color=figure.GREY, alpha=0.45, linewidth=0, label="observed"
        )
        ax.plot(
            middles, predicted[:, column], color=figure.COLOURS[0], linewidth=1.5, label="predicted"
        )
        ax.set(ylabel="Coverage", ylim=(0, None), xlim=(middles[0], middles[-1]))
        figure.title(ax, name if len(tasks) == 1 else f"{name}, {shown[column]}")
        if number == 0:
            figure.legend_above(ax, *ax.get_legend_handles_labels())
    axes[-1].set_xlabel("bp from the middle of the window")
    more = f", {len(shown)} of {len(tasks)} tasks" if len(shown) < len(tasks) else ""
    picture.suptitle(f"{title}{more}", fontsize=12)
    figure.save(picture, path)
