"""Confusion matrices: what is true in rows, what it was called in columns."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np

from genokeras.plots import figure

_MAX_PANELS = 12
_COLUMNS = 3


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Numbers of examples by `tp`, `fp`, `tn`, `fn`, and the title of the panel."""

    title: str
    cells: Mapping[str, int]


def draw_confusion(matrices: Sequence[Matrix], path: str | os.PathLike, title: str = "") -> None:
    """Draws the first matrices, `_MAX_PANELS` at most; shades are shares of the true class."""
    shown = matrices[:_MAX_PANELS]
    columns = 2 if len(shown) == 4 else min(len(shown), _COLUMNS)
    picture, panels = figure.panels(columns, -(-len(shown) // columns))
    for ax, matrix in zip(panels, shown, strict=False):
        cells = matrix.cells
        counts = np.array([[cells["tp"], cells["fn"]], [cells["fp"], cells["tn"]]])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            share = shares[row, column]
            ax.text(
                column, row, f"{count:,}\n{share:.1%}", ha="center", va="center",
                color="white" if share > 0.5 else "black",
            )  # fmt: skip
        ax.set_xticks([0, 1], ["positive", "negative"])
        ax.set_yticks([0, 1], ["positive", "negative"], rotation=90, va="center")
        ax.set(xlabel="Called", ylabel="True")
        ax.spines[:].set_visible(False)
        ax.set_title(matrix.title, fontsize=10)
    for ax in panels[len(shown) :]:
        ax.set_axis_off()
    left_out = f" (the first {len(shown)} of {len(matrices)})" if len(shown) < len(matrices) else ""
    picture.suptitle(title + left_out)
    figure.save(picture, path)
