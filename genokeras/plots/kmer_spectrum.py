"""Which k-mers tell two groups of sequences apart.

Shapes: `K` k-mers, of which `counts`, `[2, K]`, says how often they occur in group 0 and group 1.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genokeras.plots import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NUM_NAMED = 6


def enrichment(kmer_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns, of every k-mer, its ratio of shares and how sure that ratio is not one.

    Args:
        kmer_counts: `[2, K]`.

    Returns:
        Share in group 1 over share in group 0, float64 `[K]`, half a count added to each; and the
        difference of the shares in standard errors of Poisson counts, float64 `[K]`.
    """
    totals = np.maximum(kmer_counts.sum(axis=1, keepdims=True), 1)
    shares = (kmer_counts + 0.5) / totals
    errors = np.sqrt((shares / totals).sum(axis=0))
    return shares[1] / shares[0], (shares[1] - shares[0]) / errors


def draw_shares(
    ax: "Axes", kmers: Sequence[str], counts: np.ndarray, groups: Sequence[str], first: str
) -> None:
    """Every k-mer by its share in both groups; those of `draw_ratios` are coloured."""
    figure.title(ax, f"{len(kmers[0])}-mers of {first}, both strands")
    if not counts.any(axis=1).all():
        _write_what_is_missing(ax, counts, groups)
        return
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.maximum(counts, 0.5) / totals * 1e6
    ax.scatter(*shares, s=4, color=figure.GREY, alpha=0.5, linewidths=0)
    for group, places in enumerate(_most_different(counts)):
        ax.scatter(*shares[:, places], s=14, color=figure.CLASS_COLOURS[group])
    ends = shares.min() * 0.8, shares.max() * 1.25
    ax.plot(ends, ends, color=figure.GREY, linestyle=":", linewidth=1)
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    ax.set(xlabel=f"Per million, {groups[0]}", ylabel=f"Per million, {groups[1]}")


def draw_ratios(
    ax: "Axes", kmers: Sequence[str], counts: np.ndarray, groups: Sequence[str]
) -> None:
    """The k-mers that tell the groups apart best, by how much more often they occur in group 1."""
    figure.title(ax, f"{len(kmers[0])}-mers that differ most")
    if not counts.any(axis=1).all():
        _write_what_is_missing(ax, counts, groups)
        return
    ratios, _ = enrichment(counts)
    places = np.concatenate(_most_different(counts))
    places = places[np.argsort(-ratios[places], kind="stable")]
    change = np.log2(ratios[places])
    colours = [figure.CLASS_COLOURS[int(value > 0)] for value in change]
    ax.barh(range(len(places)), change, color=colours)
    opposite = str.maketrans("ACGT", "TGCA")
    names = [f"{kmers[place]} / {kmers[place].translate(opposite)[::-1]}" for place in places]
    ax.set_yticks(range(len(places)), names, fontsize=9, family="monospace")
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.8)
    end = int(np.ceil(np.abs(change).max(initial=1)))
    step = 1 if end <= 3 else 2
    ticks = [*range(-step * (end // step), end + 1, step)]
    ax.set_xlim(-end, end)
    labels = [f"{2**tick}×" if tick >= 0 else f"1/{2**-tick}×" for tick in ticks]
    ax.set_xticks(ticks, labels)
    ax.set_xlabel(f"Share, {groups[1]} over {groups[0]}")


def _most_different(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the k-mers that mark group 0, and those that mark group 1, the clearest first."""
    _, errors = enrichment(counts)
    order = np.argsort(errors)
    low, high = order[:_NUM_NAMED], order[::-1][:_NUM_NAMED]
    return low[errors[low] < 0], high[errors[high] > 0]


def _write_what_is_missing(ax: "Axes", counts: np.ndarray, groups: Sequence[str]) -> None:
    missing = " and ".join(groups[group] for group in np.flatnonzero(~counts.any(axis=1)))
    ax.axis("off")
    ax.text(
        0.5, 0.5, f"nothing to compare:\n{missing} missing", ha="center", transform=ax.transAxes
    )
