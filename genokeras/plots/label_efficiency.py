"""How well encoders do with few labels and with many: a line each, with intervals."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.metrics.supervised import TITLES
from genokeras.plots import figure

_LINES = {"run": "-", "untrained": "--", "kmers": ":", "one_hot": "-."}
# Beside one another, so that intervals do not hide one another: by so much of the distance.
_ASIDE = 0.04


def draw_label_efficiency(
    rows: Sequence[Mapping[str, Any]],
    metrics: Sequence[str],
    path: str | os.PathLike,
    title: str = "",
) -> None:
    """Draws metrics against the number of labels, a panel each.

    Args:
        rows: Of one task: `encoder`, `kind`, `labels`, the metrics and their intervals `*_ci`.
        metrics: Their names.
        path: The picture.
        title: Above it.
    """
    names = list(dict.fromkeys(row["encoder"] for row in rows))
    picture, panels = figure.panels(len(metrics), inches_below=0.2 * len(names))
    ticks = sorted({row["labels"] for row in rows})
    for ax, metric in zip(panels, metrics, strict=True):
        for number, name in enumerate(names):
            own = [row for row in rows if row["encoder"] == name and row[metric] is not None]
            own.sort(key=lambda row: row["labels"])
            aside = 10 ** (_ASIDE * (number - (len(names) - 1) / 2))
            x = [row["labels"] * aside for row in own]
            y = np.array([row[metric] for row in own])
            ends = np.array([row.get(f"{metric}_ci") or (np.nan, np.nan) for row in own])
            bars = np.abs(ends.reshape(-1, 2).T - y)
            style = {"color": figure.COLOURS[number % len(figure.COLOURS)], "label": name}
            style |= {"linestyle": _LINES[own[0]["kind"]]} if own else {}
            ax.errorbar(x, y, bars, marker="o", markersize=4, capsize=2, linewidth=1.5, **style)
        ax.set_xscale("log")
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.set_xticks([], minor=True)
        ax.set(xlabel="Labels", ylabel=TITLES[metric])
    handles, labels = panels[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=9)
    picture.suptitle(title)
    figure.save(picture, path)
