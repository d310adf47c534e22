"""A dataset at one glance: classes, lengths, GC content, k-mers, copies, and some sequences.

Shapes: `T` tasks, `B` bins, `K` k-mers, `L` bases. Two groups of examples are compared, 0 and 1,
drawn in the colours of the two classes.
"""

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genokeras.plots import figure, kmer_spectrum, sequence_strips

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MISSING_COLOUR = "#DDDDDD"
_LINES = {"train": "-", "valid": ":", "test": "--"}
_MAX_BARS = 12
_LEGEND = {"fontsize": 8, "framealpha": 0.8, "edgecolor": "none"}


def draw_overview(
    path: str | os.PathLike,
    *,
    title: str,
    tasks: Sequence[str],
    num_read: Mapping[str, tuple[int, int]],
    classes: Mapping[str, np.ndarray],
    target_edges: np.ndarray,
    target_counts: Mapping[str, np.ndarray],
    lengths: Mapping[str, np.ndarray],
    groups: tuple[str, str],
    gc_edges: np.ndarray,
    gc_counts: Mapping[str, np.ndarray],
    kmers: Sequence[str],
    kmer_counts: np.ndarray,
    audit: Mapping,
    examples: tuple[Sequence[str], Sequence[str]],
) -> None:
    """Draws a dataset into a picture.

    Args:
        path: The file; its ending says the format.
        title: Name and size of the dataset.
        tasks: `T` names.
        num_read: For every split how many examples were counted, and how many there are.
        classes: For every split the number of negative, positive and missing labels, `[T, 3]`;
            empty for a regression.
        target_edges: `[B + 1]`, bins of the targets of a regression.
        target_counts: For every split `[T, B]`; empty unless it is a regression.
        lengths: For every split the number of examples by their letters that are no padding.
        groups: The names of group 0 and group 1.
        gc_edges: `[B + 1]`, bins of the GC content.
        gc_counts: For every split the examples of both groups by GC content, `[2, B]`.
        kmers: `K` names.
        kmer_counts: `[2, K]`, how often they occur in the groups of the first split.
        audit: Findings on copies, as the manifest has them.
        examples: Some sequences of each group.

    Raises:
        InputError: matplotlib is not installed.
    """
    picture, axes = figure.panels(columns=3, rows=3)
    if classes:
        _draw_classes(axes[0], classes, tasks)
    elif not tasks:
        _draw_nothing(axes[0], "Labels", "there are none")
    else:
        _draw_targets(axes[0], target_edges, target_counts, tasks)
    _draw_copies(axes[1], audit)
    _draw_lengths(axes[2], lengths)
    first = next(iter(num_read))
    _draw_gc(axes[3], gc_edges, gc_counts, groups, first)
    kmer_spectrum.draw_shares(axes[4], kmers, kmer_counts, groups, first)
    kmer_spectrum.draw_ratios(axes[5], kmers, kmer_counts, groups)
    for ax in axes[6:]:
        ax.remove()
    bottom = picture.add_subplot(axes[6].get_gridspec()[2, :])
    sequence_strips.draw_strips(bottom, examples[::-1], groups[::-1])
    figure.title(bottom, f"Examples of {first}")
    sampled = [f"{read:,} of {total:,} of {name}" for name, (read, total) in num_read.items()]
    is_sample = any(read < total for read, total in num_read.values())
    note = f"\nCounted: a random {', '.join(sampled)}" if is_sample else ""
    picture.suptitle(f"{title}{note}", fontsize=13)
    figure.save(picture, path)


def _draw_classes(ax: "Axes", classes: Mapping[str, np.ndarray], tasks: Sequence[str]) -> None:
    """Stacked shares of the labels, counts written in; of many tasks in the first split only."""
    splits, shown = list(classes), tasks[:_MAX_BARS]
    is_first_only = len(tasks) * len(splits) > _MAX_BARS
    bars = [(n, split) for n in range(len(shown)) for split in splits[: 1 if is_first_only else 3]]
    colours = (*figure.CLASS_COLOURS, _MISSING_COLOUR)
    for place, (task, split) in enumerate(bars):
        counts = classes[split][task]
        left = 0.0
        for count, colour in zip(counts, colours, strict=True):
            width = count / max(1, counts.sum())
            ax.barh(place, width, left=left, color=colour, height=0.8)
            if width > 0.15:
                ax.text(left + width / 2, place, f"{count:,}", ha="center", va="center")
            left += width
    names = [f"{_short(shown[task])} {split}" for task, split in bars]
    if len(shown) == 1:
        names = splits
    elif is_first_only:
        names = [_short(task) for task in shown]
    ax.set_yticks(range(len(bars)), names, fontsize=9)
    ax.set_ylim(max(len(bars), 3) - 0.5, -0.5)
    ax.set(xlabel="Share of the examples", xlim=(0, 1))
    where = f" in {splits[0]}" if is_first_only else ""
    more = f", {len(shown)} of {len(tasks)}" if len(tasks) > len(shown) else ""
    figure.title(ax, f"Labels{where}{more}")
    has_missing = any(counts[:, 2].any() for counts in classes.values())
    names = ("0", "1", "missing") if has_missing else ("0", "1")
    handles = [ax.barh(0, 0, color=colour) for colour in colours]
    figure.legend_above(ax, handles[: len(names)], names)


def _draw_targets(
    ax: "Axes", edges: np.ndarray, counts: Mapping[str, np.ndarray], tasks: Sequence[str]
) -> None:
    """Histograms of the targets: of one task by split, of several the first split by task."""
    first = next(iter(counts))
    if len(tasks) == 1:
        lines = [
            (split, found[0], figure.SPLIT_COLOURS[split], _LINES[split])
            for split, found in counts.items()
        ]
    else:
        shown = zip(tasks, counts[first], figure.COLOURS, strict=False)
        lines = [(task, found, colour, "-") for task, found, colour in shown]
    for name, found, colour, style in lines:
        density = found / max(1, found.sum()) / np.diff(edges)
        ax.stairs(density, edges, color=colour, linestyle=style, label=name)
    where = "" if len(tasks) == 1 else f" in {first}"
    ax.set(xlabel=tasks[0] if len(tasks) == 1 else "Target", ylabel="Density", ylim=(0, None))
    figure.title(ax, f"Targets{where}")
    ax.legend(**_LEGEND)


def _draw_copies(ax: "Axes", audit: Mapping) -> None:
    """Sequences that occur more than once, within the splits and between them."""
    if not audit:
        _draw_nothing(ax, "Copies", "the manifest has no audit")
        return
    figure.title(ax, "Copies")
    rows = [
        (f"again in {split}", audit["repeats"][split], audit["reverse_complement_repeats"][split])
        for split in _LINES
        if split in audit["rows"]
    ]
    for first, second in itertools.combinations(_LINES, 2):
        if shared := audit["shared"].get(f"{first}/{second}"):
            other = shared["only_reverse_complement"]
            rows.append((f"{first} and {second}", shared["sequences"] - other, other))
    rows.append(("labels differ", audit["conflicts"]["sequences"], 0))
    names, same, opposite = zip(*rows, strict=True)
    places = np.arange(len(rows))
    ax.barh(places, same, color=figure.GREY, label="same strand")
    ax.barh(places, opposite, left=same, color=figure.COLOURS[3], label="other strand")
    for place, count in enumerate(np.add(same, opposite)):
        ax.text(count, place, f" {count:,}", va="center", fontsize=9)
    ax.set_yticks(places, names, fontsize=9)
    ax.invert_yaxis()
    ax.set_xlim(0, max(4, np.add(same, opposite).max() * 1.25))
    ax.xaxis.get_major_locator().set_params(integer=True)
    dropped = sum(audit["dropped"].values())
    ax.set_xlabel(f"Sequences in the input; dropped since: {dropped:,}")
    figure.legend_above(ax, *ax.get_legend_handles_labels())


def _draw_nothing(ax: "Axes", title: str, reason: str) -> None:
    """Says why there is nothing to see."""
    figure.title(ax, title)
    ax.axis("off")
    ax.text(0.5, 0.5, reason, ha="center", transform=ax.transAxes)


def _draw_lengths(ax: "Axes", lengths: Mapping[str, np.ndarray]) -> None:
    """Histogram of the lengths before padding."""
    ax.set(xlabel="bp", ylabel="Share of the examples")
    figure.title(ax, "Length without padding")
    found = np.flatnonzero(sum(lengths.values()))
    low, high = int(found.min()), int(found.max())
    step = max(1, -(-(high - low + 1) // 50))
    edges = np.arange(low, high + step + 1, step) - 0.5
    for split, counts in lengths.items():
        binned = np.add.reduceat(counts[low:], np.arange(0, high - low + 1, step))
        share = binned / max(1, counts.sum())
        colour = figure.SPLIT_COLOURS[split]
        ax.stairs(share, edges, color=colour, linestyle=_LINES[split], label=split, linewidth=1.5)
    if low == high:
        ax.set_xlim(low - 5, high + 5)
        ax.set_xticks([low])
    ax.set_ylim(0, None)
    ax.legend(**_LEGEND)


def _draw_gc(
    ax: "Axes",
    edges: np.ndarray,
    counts: Mapping[str, np.ndarray],
    groups: Sequence[str],
    first: str,
) -> None:
    """GC content of both groups: filled in the first split, a line in the last one."""
    last = next(reversed(counts))
    for split in dict.fromkeys((first, last)):
        for group in np.flatnonzero(counts[split].any(axis=1)):
            found = counts[split][group]
            density = found / max(1, found.sum()) / np.diff(edges)
            style = {"color": figure.CLASS_COLOURS[group], "label": f"{groups[group]}, {split}"}
            if split == first:
                ax.stairs(density, edges, fill=True, alpha=0.35, **style)
            else:
                ax.stairs(density, edges, linestyle=_LINES[split], linewidth=1.5, **style)
    total = sum(found.sum(axis=0) for found in counts.values())
    used = np.flatnonzero(total > total.sum() / 1000)
    ax.set(xlabel="Share of G and C", ylabel="Density", ylim=(0, None))
    if used.size:
        ax.set_xlim(edges[used[0]], edges[used[-1] + 1])
        ax.legend(**_LEGEND)
    figure.title(ax, "GC content")


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:14]}..."
