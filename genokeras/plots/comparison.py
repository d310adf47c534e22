"""Configurations side by side: a dot for each seed, the mean with its interval over them."""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genokeras.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_COLUMNS = 4
_MARKERS = "os^Dv"
_INCHES_PER_ROW, _INCHES_OF_FRAME = 0.34, 1.1


@dataclasses.dataclass(frozen=True)
class Mark:
    """What is shown of a configuration: a number for each seed, their mean, the interval's ends.

    Without a mean there is `note` in its place. In `draw_against` it stands at `x`, those of one
    `sweep` joined by a line.
    """

    name: str
    values: Sequence[float]
    mean: float | None
    ci: tuple[float, float] | None
    x: float | None = None
    sweep: str = ""
    note: str = "nothing yet"


@dataclasses.dataclass(frozen=True)
class Panel:
    """Configurations from the top: a title, the name of the axis, and where a line goes through."""

    title: str
    axis: str
    marks: Sequence[Mark]
    line: float | None


def draw_comparison(panels: Sequence[Panel], paths: Sequence[str | os.PathLike]) -> None:
    """Draws panels of the same configurations, left and right in turn, into a picture per path."""
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
        if place % 2:
            ax.tick_params(labelleft=False)
    _add_legend(picture, axes, columns=2)
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
        _draw_over_x(ax, [mark for mark in panel.marks if None not in (mark.mean, mark.x)])
        ax.set(xlabel=xlabel, ylabel=panel.axis)
        figure.title(ax, panel.title)
    _add_legend(picture, axes, columns=3)
    figure.save(picture, path)


def _add_legend(picture: "Figure", axes: Sequence["Axes"], columns: int) -> None:
    """Adds that of the panel which shows the most, below all."""
    found = max((ax.get_legend_handles_labels() for ax in axes), key=lambda names: len(names[0]))
    place = {"loc": "outside lower center", "ncols": columns}
    picture.legend(*found, **place, frameon=False, fontsize=8)


def _draw_over_x(ax: "Axes", marks: Sequence[Mark]) -> None:
    for sweep in dict.fromkeys(mark.sweep for mark in marks):
        points = [(mark.x, mark.mean) for mark in marks if mark.sweep == sweep]
        ax.plot(*zip(*points, strict=True), "-", color=figure.GREY, linewidth=0.8)
    for number, mark in enumerate(marks):
        turn, colour = divmod(number, len(figure.COLOURS))
        style = {"fmt": _MARKERS[turn % len(_MARKERS)], "color": figure.COLOURS[colour]}
        bars = _bars(mark)
        ax.errorbar(mark.x, mark.mean, bars, **style, markersize=6, capsize=3, label=mark.name)
    ax.locator_params(axis="x", nbins=5)


def _draw(ax: "Axes", panel: Panel) -> None:
    if panel.line is not None:
        ax.axvline(panel.line, color=figure.GREY, linewidth=0.8, linestyle=":")
    labels = {"seeds": "one seed", "mean": "mean over seeds, 95% interval"}
    for place, mark in enumerate(panel.marks):
        if mark.mean is None:
            ax.text(0.5, place, mark.note, transform=ax.get_yaxis_transform(), ha="center",
                    va="center", fontsize=8, color=figure.GREY)  # fmt: skip
            continue
        seeds = [place + 0.22] * len(mark.values)
        ax.plot(mark.values, seeds, "o", color=figure.COLOURS[5], markersize=4,
                clip_on=False, label=labels.pop("seeds", None))  # fmt: skip
        ax.errorbar([mark.mean], [place], xerr=_bars(mark), fmt="o", color=figure.COLOURS[0],
                    markersize=5, capsize=3, label=labels.pop("mean", None))  # fmt: skip
    ax.set_yticks(range(len(panel.marks)), [mark.name for mark in panel.marks], fontsize=9)
    ax.set_ylim(len(panel.marks) - 0.4, -0.6)
    ax.set_xlabel(panel.axis)
    figure.title(ax, panel.title)


def _bars(mark: Mark) -> list[list[float]] | None:
    """Returns the lengths of the two arms of an error bar."""
    return mark.ci and [[mark.mean - mark.ci[0]], [mark.ci[1] - mark.mean]]
