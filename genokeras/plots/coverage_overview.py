"""A dataset with coverage at one glance: how much of it there is, where, and some windows.

Shapes: `T` tasks, `B` bins of a window, `V` bins of values, `G` bins of GC content. Of one task the
splits are compared; of several, the tasks in the first split.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genokeras.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = {"train": "-", "valid": ":", "test": "--"}
_MAX_TASKS = len(figure.COLOURS)
_LEGEND = {"fontsize": 8, "framealpha": 0.8, "edgecolor": "none"}

# Name, colour, style and values of a line.
_Line = tuple[str, str, str, np.ndarray]


def draw_coverage_overview(
    path: str | os.PathLike,
    *,
    title: str,
    tasks: Sequence[str],
    num_read: Mapping[str, tuple[int, int]],
    positions: np.ndarray,
    profiles: Mapping[str, np.ndarray],
    value_edges: np.ndarray,
    value_counts: Mapping[str, np.ndarray],
    no_coverage: Mapping[str, np.ndarray],
    gc_edges: np.ndarray,
    gc_profiles: Mapping[str, np.ndarray],
    examples: Mapping[str, Sequence[tuple[str, np.ndarray]]],
) -> None:
    """Draws a dataset into a picture.

    Args:
        path: The file; its ending says the format.
        title: Name and size of the dataset.
        tasks: `T` names.
        num_read: For every split how many windows were counted, and how many there are.
        positions: Middle of each bin, in bp from the middle of the window, `[B]`.
        profiles: For every split the mean coverage of each bin, `[T, B]`.
        value_edges: `[V + 1]`, bins of values above 0.
        value_counts: For every split `[T, V]`.
        no_coverage: For every split the share of bins that are not above 0, `[T]`.
        gc_edges: `[G + 1]`, bins of the GC content of windows.
        gc_profiles: For every split the mean coverage of the windows in each, `[T, G]`.
        examples: For every split the same number of places of windows with their coverage `[T, B]`.

    Raises:
        InputError: matplotlib is not installed.
    """
    shown = max(map(len, examples.values()))
    columns = max(3, len(examples))
    picture, axes = figure.panels(columns=columns, rows=1 + shown)
    _draw_values(axes[0], value_edges, value_counts, no_coverage, tasks)
    _draw_gc(axes[1], gc_edges, gc_profiles, tasks)
    _draw_profiles(axes[2], positions, profiles, tasks)
    for column, (split, windows) in enumerate(examples.items()):
        for row, (place, values) in enumerate(windows, start=1):
            ax = axes[row * columns + column]
            _draw_window(ax, positions, values, tasks, len(tasks) > 1 and (row, column) == (1, 0))
            figure.title(ax, f"{split} {place}")
    for number, ax in enumerate(axes):
        row, column = divmod(number, columns)
        if column >= (3 if row == 0 else len(examples)):
            ax.remove()
    sampled = [f"{read:,} of {total:,} of {name}" for name, (read, total) in num_read.items()]
    is_sample = any(read < total for read, total in num_read.values())
    note = f"\nCounted: a random {', '.join(sampled)}" if is_sample else ""
    picture.suptitle(f"{title}{note}", fontsize=13)
    figure.save(picture, path)


def _lines(by_split: Mapping[str, np.ndarray], tasks: Sequence[str]) -> Iterator[_Line]:
    """Yields a line for every split, of several tasks one for each of the first of them."""
    first = next(iter(by_split))
    if len(tasks) == 1:
        for split, values in by_split.items():
            yield split, figure.SPLIT_COLOURS[split], _LINES[split], values[0]
        return
    for task, colour, values in zip(tasks, figure.COLOURS, by_split[first], strict=False):
        yield _short(task), colour, "-", values


def _where(by_split: Mapping[str, np.ndarray], tasks: Sequence[str]) -> str:
    """Returns what a title says of that."""
    if len(tasks) == 1:
        return ""
    more = f", {_MAX_TASKS} of {len(tasks)} tasks" if len(tasks) > _MAX_TASKS else ""
    return f" in {next(iter(by_split))}{more}"


def _draw_values(
    ax: "Axes",
    edges: np.ndarray,
    counts: Mapping[str, np.ndarray],
    no_coverage: Mapping[str, np.ndarray],
    tasks: Sequence[str],
) -> None:
    """Histograms of the values of bins; those of 0 are told in the legend."""
    shares = [float(values) for *_, values in _lines(no_coverage, tasks)]
    for (name, colour, style, found), share in zip(_lines(counts, tasks), shares, strict=True):
        density = (1 - share) * found / max(1, found.sum())
        label = f"{name}, 0: {100 * share:.0f}%"
        ax.stairs(density, edges, color=colour, linestyle=style, label=label, linewidth=1.5)
    name = tasks[0] if len(tasks) == 1 else "Coverage"
    ax.set(xscale="log", xlabel=f"{_short(name)}, of a bin", ylabel="Share of the bins")
    ax.set_ylim(0, None)
    ax.legend(**_LEGEND)
    figure.title(ax, f"Values{_where(counts, tasks)}")


def _draw_gc(
    ax: "Axes", edges: np.ndarray, profiles: Mapping[str, np.ndarray], tasks: Sequence[str]
) -> None:
    """Mean coverage of windows by their GC content: what a model gets for nothing."""
    middles = (edges[1:] + edges[:-1]) / 2
    for name, colour, style, found in _lines(profiles, tasks):
        known = ~np.isnan(found)
        ax.plot(middles[known], found[known], style, color=colour, label=name, marker=".")
    ax.set(xlabel="Share of G and C in the window", ylabel="Mean coverage", ylim=(0, None))
    ax.legend(**_LEGEND)
    figure.title(ax, f"Coverage by GC content{_where(profiles, tasks)}")


def _draw_profiles(
    ax: "Axes", positions: np.ndarray, profiles: Mapping[str, np.ndarray], tasks: Sequence[str]
) -> None:
    """Mean coverage along the window: flat where windows are tiled, a peak where centred."""
    for name, colour, style, found in _lines(profiles, tasks):
        ax.plot(positions, found, style, color=colour, label=name, linewidth=1.5)
    ax.set(xlabel="bp from the middle of the window", ylabel="Mean coverage", ylim=(0, None))
    ax.legend(**_LEGEND)
    figure.title(ax, f"Mean window{_where(profiles, tasks)}")


def _draw_window(
    ax: "Axes", positions: np.ndarray, values: np.ndarray, tasks: Sequence[str], has_legend: bool
) -> None:
    """The coverage of one window; gaps are missing."""
    for task, found, colour in zip(tasks, values, figure.COLOURS, strict=False):
        ax.step(positions, found, color=colour, label=_short(task), where="mid", linewidth=1)
    if len(tasks) == 1:
        ax.fill_between(positions, values[0], step="mid", alpha=0.3, color=figure.COLOURS[0])
    ax.set(xlabel="bp from the middle of the window", ylabel="Coverage")
    if not (values < 0).any():
        ax.set_ylim(0, None)
    if has_legend:
        ax.legend(**_LEGEND)


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:14]}..."
