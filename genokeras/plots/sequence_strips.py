"""Sequences as strips of coloured bases, one below the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genokeras.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BASE_COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00", "-": "#FFFFFF"}
_OTHER_CODE = "#BBBBBB"
_MAX_SHOWN_BP = 200
_MAX_WRITTEN_BP = 120


def draw_strips(ax: "Axes", groups: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """Draws groups of sequences of one length, the first on top, with their names beside them.

    Of long sequences the centre is shown. Padding (`-`) is white, codes of several bases are grey.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    present = [(group, name) for group, name in zip(groups, names, strict=True) if group]
    length = len(present[0][0][0])
    start = max(0, (length - _MAX_SHOWN_BP) // 2)
    width = min(length, _MAX_SHOWN_BP)
    rows, middles = [], []
    for group, _ in present:
        rows += [["-"] * width] * bool(rows)  # Nothing, between two groups.
        middles.append(len(rows) + len(group) / 2)
        rows += [list(text[start : start + width]) for text in group]
    colours = [[to_rgb(_BASE_COLOURS.get(base, _OTHER_CODE)) for base in row] for row in rows]
    extent = (start, start + width, len(rows), 0)
    ax.imshow(colours, aspect="auto", interpolation="nearest", extent=extent)
    ax.hlines(range(1, len(rows)), start, start + width, color="white", linewidth=1.5)
    if width <= _MAX_WRITTEN_BP:
        _write_bases(ax, np.array(rows), start)
    ax.set_yticks(middles, [name for _, name in present], rotation=90, va="center", fontsize=9)
    ax.tick_params(left=False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("bp")
    ax.set_xlim(start, start + width)
    named = {base: _BASE_COLOURS[base] for base in "ACGT"} | {"other": _OTHER_CODE}
    figure.legend_above(ax, [Patch(color=colour) for colour in named.values()], list(named))


def _write_bases(ax: "Axes", letters: np.ndarray, start: int) -> None:
    """Writes letters into their cells: one kind of marker for each letter, which is fast."""
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    for base in np.unique(letters[letters != "-"]):
        rows, columns = np.nonzero(letters == base)
        glyph = TextPath((0, 0), base)
        x, y = glyph.get_extents().get_points().mean(axis=0)
        centred = glyph.transformed(Affine2D().translate(-x, -y))
        # Snapped to pixels, the thin bars of a T would vanish.
        style = {"snap": False, "marker": centred, "s": 11, "color": "white", "linewidths": 0}
        ax.scatter(columns + start + 0.5, rows + 0.5, **style)
