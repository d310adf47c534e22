"""Pictures without pyplot: no global state is touched, and matplotlib is needed only to draw.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by everyone.
"""

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfrecords.errors import InputError
from tfrecords.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#767676"
# The same in all pictures, and none that stands for a model there: negatives (or the lower of two
# groups), positives; and the splits.
CLASS_COLOURS = (COLOURS[4], COLOURS[5])
SPLIT_COLOURS = {"train": COLOURS[1], "valid": COLOURS[0], "test": COLOURS[2]}
_SUFFIXES = (".png", ".svg", ".pdf")
_NO_MATPLOTLIB = "pictures need matplotlib: pip install 'genokeras[plot]'"
_PANEL_INCHES = (4.2, 4.0)
_LOG_TICK = r"$\mathdefault{"


def is_available() -> bool:
    """Whether matplotlib can be loaded: being installed does not mean that it fits the rest."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


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


def evenly(count: int, most: int) -> np.ndarray:
    """Returns `most` of `count` places at most, evenly spaced, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


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
    """Writes a picture (the ending says its format); it appears by renaming."""
    from matplotlib.text import Text

    # A name with a `$` in it is no formula; those that matplotlib writes at log axes are.
    for text in figure.findobj(Text):
        if "$" in text.get_text() and not text.get_text().startswith(_LOG_TICK):
            text.set_parse_math(False)
    with replacing(path) as partial:
        figure.savefig(partial, bbox_inches="tight")
