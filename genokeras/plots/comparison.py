"""Configurations side by side: a dot for each seed, the mean with its interval over them."""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genokeras.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_COLUMNS = 4
_INCHES_PER_ROW, _INCHES_OF_FRAME = 0.34, 1.1


@dataclasses.dataclass(frozen=True)
class Mark:
    """What is shown of a configuration: its score on every seed, their mean, the interval's ends.

    Without a mean the place stays empty but for the words `nothing`. `x` is where it stands in
    `draw_against`.
    """

    name: str
    scores: Sequence[float]
    mean: float | None
    ci: tuple[float, float] | None
    x: float | None = None


@dataclasses.dataclass(frozen=True)
class Panel:
    """One dataset and metric: a title, the name of the axis, the configurations from the top.

    `reference` is the name of the one whose mean is a line through the others.
    """

    title: str
    axis: str
    marks: Sequence[Mark]
    reference: str


def draw_comparison(panels: Sequence[Panel], paths: Sequence[str | os.PathLike]) -> None:
    """Draws a panel for each dataset and metric, into one picture per path."""
    columns = min(len(panels), _MAX_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    picture, axes = figure.panels(columns, rows)
    height = _INCHES_OF_FRAME + _INCHES_PER_ROW * max(len(panel.marks) for panel in panels)
    picture.set_size_inches(picture.get_size_inches()[0], height * rows)
    for place, ax in enumerate(axes):
        if place >= len(panels):
            ax.set_visible(False)
            continue
        _draw(ax, panels[place])
        if place % columns:
            ax.tick_params(labelleft=False)
    for path in paths:
        figure.save(picture, path)


def draw_against(panels: Sequence[Panel], xlabel: str, path: str | os.PathLike) -> None:
    """Draws the mean score of each configuration over another number of it, `x` of its mark."""
    columns = min(len(panels), _MAX_COLUMNS)
    picture, axes = figure.panels(columns, math.ceil(len(panels) / columns))
    for place, ax in enumerate(axes):
        if place >= len(panels):
            ax.set_visible(False)
            continue
        panel = panels[place]
        for mark in panel.marks:
            if mark.mean is not None and mark.x is not None:
                bars = _bars(mark)
                ax.errorbar(
                    [mark.x], [mark.mean], bars, fmt="o", color=figure.COLOURS[0], capsize=3
                )
                ax.annotate(
                    mark.name, (mark.x, mark.mean), (5, 5), textcoords="offset points", fontsize=8
                )
        ax.set(xlabel=xlabel, ylabel=panel.axis)
        ax.margins(x=0.2)
        figure.title(ax, panel.title)
    figure.save(picture, path)


def _draw(ax: "Axes", panel: Panel) -> None:
    means: Mapping[str, float | None] = {mark.name: mark.mean for mark in panel.marks}
    if means.get(panel.reference) is not None:
        ax.axvline(means[panel.reference], color=figure.GREY, linewidth=0.8, linestyle=":")
    for place, mark in enumerate(panel.marks):
        if mark.mean is None:
            ax.text(0.5, place, "nothing yet", transform=ax.get_yaxis_transform(), ha="center",
                    va="center", fontsize=8, color=figure.GREY)  # fmt: skip
            continue
        seeds = [place + 0.22] * len(mark.scores)
        ax.plot(mark.scores, seeds, "o", color=figure.COLOURS[5], markersize=4, clip_on=False)
        ax.errorbar([mark.mean], [place], xerr=_bars(mark), fmt="o", color=figure.COLOURS[0],
                    markersize=5, capsize=3)  # fmt: skip
    ax.set_yticks(range(len(panel.marks)), [mark.name for mark in panel.marks], fontsize=9)
    ax.set_ylim(len(panel.marks) - 0.4, -0.6)
    ax.set_xlabel(panel.axis)
    figure.title(ax, panel.title)


def _bars(mark: Mark) -> list[list[float]] | None:
    """Returns the lengths of the two arms of an error bar."""
    return mark.ci and [[mark.mean - mark.ci[0]], [mark.ci[1] - mark.mean]]
