"""A score by group of examples, with its interval: where a model is weak."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.plots import figure

_MAX_ROWS = 6


@dataclasses.dataclass(frozen=True)
class Grouping:
    """One panel: groups as `group_scores` returns them, and the names of the score in them.

    Attributes:
      title: Of the panel.
      label: Of the axis of the groups.
      groups: Lowest values first.
      scores: The key of each score in a group, by its name in the legend.
    """

    title: str
    label: str
    groups: Sequence[Mapping[str, Any]]
    scores: Mapping[str, str]


def draw_group_scores(
    rows: Sequence[Sequence[Grouping]], path: str | os.PathLike, ylabel: str, title: str = ""
) -> None:
    """Draws groupings, one row of panels per task, `_MAX_ROWS` at most."""
    shown = rows[:_MAX_ROWS]
    columns = len(shown[0])
    picture, panels = figure.panels(columns, len(shown), inches_below=0.3)
    for place, ax in enumerate(panels):
        if place % columns:
            ax.sharey(panels[place - place % columns])
    for ax, grouping in zip(panels, (part for row in shown for part in row), strict=True):
        _draw(ax, grouping)
        ax.set(xlabel=grouping.label, ylabel=ylabel)
        ax.set_title(grouping.title, fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    left_out = f" (the first {len(shown)} of {len(rows)} tasks)" if len(shown) < len(rows) else ""
    picture.suptitle(title + left_out)
    figure.save(picture, path)


def _draw(ax: Any, grouping: Grouping) -> None:
    for number, (name, key) in enumerate(grouping.scores.items()):
        defined = [
            (place, group)
            for place, group in enumerate(grouping.groups)
            if group.get(key) is not None
        ]
        # Side by side, lest the bars of the baseline hide those of the model.
        x = np.array([place for place, _ in defined]) + 0.12 * number
        y = np.array([group[key] for _, group in defined])
        ends = [group[f"{key}_ci"] or (group[key], group[key]) for _, group in defined]
        bars = np.abs(np.array(ends).reshape(-1, 2).T - y)
        marker = "o" if number == 0 else "s"
        colour = figure.COLOURS[number]
        ax.errorbar(x, y, bars, fmt=marker, markersize=5, capsize=3, color=colour, label=name)
    texts = [f"{_range(group)}\nn={group['n']:,}" for group in grouping.groups]
    ax.set_xticks(range(len(texts)), texts, fontsize=8)
    ax.margins(x=0.08)


def _range(group: Mapping[str, Any]) -> str:
    ends = _number(group["from"]), _number(group["to"])
    return "-".join(dict.fromkeys(ends))


def _number(value: float) -> str:
    return f"{value:d}" if isinstance(value, int) else f"{value:.2f}"
