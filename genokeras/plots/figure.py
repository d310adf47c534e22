"""Pictures without pyplot: no global state is touched, and matplotlib is needed only to draw.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by everyone.
"""

import importlib.util
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfrecords.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#767676"
_SUFFIXES = (".png", ".svg", ".pdf")
_NO_MATPLOTLIB = "pictures need matplotlib: pip install 'genokeras[plot]'"
_PANEL_INCHES = (4.2, 4.0)


def is_available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def panels(columns: int, rows: int = 1, inches_below: float = 0.0) -> tuple["Figure", list["Axes"]]:
    """Returns a figure and its panels, row by row; `inches_below` is more room for legends.

    Raises:
      InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(_NO_MATPLOTLIB) from None
    width, height = _PANEL_INCHES
    size = width * columns, height * rows + inches_below
    figure = Figure(size, dpi=150, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def title(ax: "Axes", text: str) -> None:
    """Puts a title over the left end of a panel, where it leaves room for `legend_above`."""
    ax.set_title(text, loc="left", fontsize=11)


def legend_above(ax: "Axes", handles: Sequence, names: Sequence[str]) -> None:
    """Puts a legend in one line over the right end of a panel."""
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99), "borderaxespad": 0}
    style = {"frameon": False, "fontsize": 8, "handlelength": 1, "columnspacing": 1}
    ax.legend(handles, names, ncols=len(names), **place, **style)


def check_can_save(path: str | os.PathLike) -> None:
    """Refuses a file that `save` could not write, before there is any work done for it.

    Raises:
        InputError: An ending that no picture has, a folder that is not there, or no matplotlib.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: a picture ends in {', '.join(_SUFFIXES)}")
    if path.is_dir() or not path.parent.is_dir():
        wrong = f"{path} is a folder" if path.is_dir() else f"{path.parent}: no such folder"
        raise InputError(f"{wrong}; expected the name of a picture in a folder that is there")
    if not is_available():
        raise InputError(_NO_MATPLOTLIB)


def save(figure: "Figure", path: str | os.PathLike) -> None:
    """Writes a picture (the ending says its format), by a temporary name and a rename."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        figure.savefig(partial, bbox_inches="tight")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
