"""Charts as text in SVG, for pages: without matplotlib, and in the colours of the page.

A chart has no colours of its own. Its marks have the classes `model`, `baseline` and `third`
(`SERIES`), `area` or `reference`, its frame has `axis`, `grid` and `tick`; the style sheet of the
page says what they look like, so that one chart serves a light page, a dark one and paper.
"""

import dataclasses
import math
from collections.abc import Sequence
from html import escape

import numpy as np

from genokeras.plots import figure

SERIES = ("model", "baseline", "third")
_AREA = "area"
WIDTH, HEIGHT = 360, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 26, 42
_MAX_POINTS = 400
_NUM_TICKS = 5

Points = Sequence[tuple[float, float]] | np.ndarray


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis: its title, its ends, and its ticks by value (None: round numbers)."""

    title: str
    low: float
    high: float
    labels: Sequence[tuple[float, str]] | None = None

    @classmethod
    def around(cls, title: str, values: Sequence[float], margin: float = 0.05) -> "Axis":
        """Returns an axis that holds all finite values, with some room at either end."""
        finite = [value for value in values if value is not None and math.isfinite(value)]
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        room = (high - low) * margin or abs(low) * margin or 1.0
        return cls(title, low - room, high + room)

    def ticks(self) -> Sequence[tuple[float, str]]:
        """Returns places and texts of the ticks."""
        if self.labels is not None:
            return self.labels
        step = _round_step((self.high - self.low) / _NUM_TICKS)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(k * step, f"{k * step + 0.0:.{digits}f}") for k in range(first, last + 1)]


class Chart:
    """A frame with two axes, to which marks are added one by one; `svg()` is the whole."""

    def __init__(self, title: str, x: Axis, y: Axis):
        self._title, self._x, self._y = title, x, y
        self._marks: list[str] = []
        self._legend: list[tuple[str, str]] = []

    def line(self, points: Points, series: str, label: str = "", *, steps: bool = False) -> "Chart":
        """Adds a line; with `steps`, the value of a point holds from the one before on.

        It has a gap where a point is not finite.
        """
        parts = []
        for (x, y), *others in self._runs(thinned(np.asarray(points, float))):
            parts.append(f"M{x} {y}")
            parts += [f"V{y}H{x}" if steps else f"L{x} {y}" for x, y in others]
        if not parts:
            return self
        self._marks.append(f'<path class="line {series}" d="{"".join(parts)}"/>')
        return self._named(series, label)

    def area(self, points: Points, label: str = "") -> "Chart":
        """Adds what lies between a line and the bottom, with gaps as a line has them."""
        bottom = HEIGHT - _BOTTOM
        parts = [
            f"M{run[0][0]} {bottom}" + "".join(f"L{x} {y}" for x, y in run) + f"V{bottom}Z"
            for run in self._runs(thinned(np.asarray(points, float)))
        ]
        if not parts:
            return self
        self._marks.append(f'<path class="{_AREA}" d="{"".join(parts)}"/>')
        return self._named(_AREA, label)

    def dots(self, points: Points, series: str, label: str = "", radius: float = 3.5) -> "Chart":
        """Adds a dot for each point."""
        self._marks += [
            f'<circle class="dot {series}" cx="{x}" cy="{y}" r="{radius}"/>'
            for x, y in self._places(np.asarray(points, float))
        ]
        return self._named(series, label)

    def whiskers(self, ends: Sequence[tuple[float, float, float]], series: str) -> "Chart":
        """Adds a vertical line from `low` to `high` at each `(x, low, high)`."""
        for x, low, high in ends:
            (left, top), (_, bottom) = self._places(np.array([[x, high], [x, low]]))
            self._marks.append(f'<path class="whisker {series}" d="M{left} {top}V{bottom}"/>')
        return self

    def reference(self, points: Points) -> "Chart":
        """Adds a dotted line that says what chance, or perfection, would give."""
        return self.line(points, "reference")

    def svg(self) -> str:
        """Returns the chart as an element that fits the width it is given."""
        size = f'viewBox="0 0 {WIDTH} {HEIGHT}" style="max-width:{WIDTH * 1.25:.0f}px"'
        return (
            f'<svg class="chart" {size} role="img" aria-label="{escape(self._title)}">'
            f'<text class="title" x="{_LEFT}" y="15">{escape(self._title)}</text>'
            f"{self._frame()}{''.join(self._marks)}</svg>{self._legend_html()}"
        )

    def _named(self, series: str, label: str) -> "Chart":
        if label:
            self._legend.append((series, label))
        return self

    def _frame(self) -> str:
        right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
        parts = []
        for value, text in self._y.ticks():
            y = self._vertical(value)
            parts.append(f'<path class="grid" d="M{_LEFT} {y:g}H{right}"/>')
            parts.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:g}" text-anchor="end">'
                f"{escape(text)}</text>"
            )
        for value, text in self._x.ticks():
            x = self._horizontal(value)
            parts.append(
                f'<text class="tick" x="{x:g}" y="{bottom + 16}" text-anchor="middle">'
                f"{escape(text)}</text>"
            )
        middle = (_TOP + bottom) / 2
        parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
        parts.append(
            f'<text class="label" x="{(_LEFT + right) / 2:g}" y="{HEIGHT - 6}" '
            f'text-anchor="middle">{escape(self._x.title)}</text>'
            f'<text class="label" transform="translate(13 {middle:g}) rotate(-90)" '
            f'text-anchor="middle">{escape(self._y.title)}</text>'
        )
        return "".join(parts)

    def _legend_html(self) -> str:
        if not self._legend:
            return ""
        order = (*SERIES, _AREA)
        entries = (
            f'<li><i class="key {series}"></i>{escape(label)}</li>'
            for series, label in sorted(self._legend, key=lambda entry: order.index(entry[0]))
        )
        return f'<ul class="legend">{"".join(entries)}</ul>'

    def _horizontal(self, value: float) -> float:
        share = (value - self._x.low) / (self._x.high - self._x.low)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def _vertical(self, value: float) -> float:
        share = (value - self._y.low) / (self._y.high - self._y.low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def _runs(self, points: np.ndarray) -> list[list[tuple[str, str]]]:
        """Returns what lies between points that are not finite, in the units of the drawing."""
        points = points.reshape(-1, 2)
        gaps = np.flatnonzero(~np.isfinite(points).all(axis=1))
        return [found for run in np.split(points, gaps) if (found := self._places(run))]

    def _places(self, points: np.ndarray) -> list[tuple[str, str]]:
        """Returns finite points in the units of the drawing, as short texts."""
        finite = points.reshape(-1, 2)[np.isfinite(points.reshape(-1, 2)).all(axis=1)]
        return [(f"{self._horizontal(x):g}", f"{self._vertical(y):g}") for x, y in finite]


def thinned(points: np.ndarray) -> np.ndarray:
    """Returns `_MAX_POINTS` of the points at most, the first and the last among them."""
    return points[figure.evenly(len(points), _MAX_POINTS)]


def _round_step(step: float) -> float:
    """Returns the number of the form 1, 2 or 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
