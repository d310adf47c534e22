"""Pictures without pyplot: no global state is touched, and matplotlib is needed only to draw.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by everyone.
"""

import importlib.util
import os
import pathlib
from typing import TYPE_CHECKING

from tfrecords.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#767676"
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
        raise InputError("pictures need matplotlib: pip install 'genokeras[plot]'") from None
    width, height = _PANEL_INCHES
    size = width * columns, height * rows + inches_below
    figure = Figure(size, dpi=150, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: "Figure", path: str | os.PathLike) -> None:
    """Writes a picture (the ending says its format), by a temporary name and a rename."""
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        figure.savefig(partial, bbox_inches="tight")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
