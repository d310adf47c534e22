"""Negatives that are places in the genome: windows that hold no peak, drawn or given.

A window is drawn from what is free: the genome without peaks, blacklisted bases and runs of N.
Every free stretch is cut into windows that lie side by side, beginning at a random base, so that no
two overlap; of these each chromosome gets so many as it has positives, of the same GC content if it
is to match. All is a function of the seed.

Shapes: `N` positives, `M` negatives, `B` bins of GC content.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from data_prep import intervals
from data_prep.genome import Genome
from data_prep.intervals import Intervals
from tfrecords import sampling

GC_MATCHED, RANDOM, FILE, NONE = KINDS = ("gc_matched", "random", "file", "none")
_GC_BINS = 50  # Of 2% each.


@dataclass(frozen=True, eq=False)
class Drawn:
    """Windows that were drawn.

    Attributes:
        windows: The negatives, sorted, `M`.
        num_missing: So many more were wanted: the chromosomes of the positives have no room.
        num_from_other_bins: So many come from the nearest bin that had some left.
    """

    windows: Intervals
    num_missing: int
    num_from_other_bins: int


def draw(
    genome: Genome,
    positives: Intervals,
    taken: Intervals,
    *,
    flank_bp: int = 0,
    per_positive: int = 1,
    matches_gc: bool = True,
    seed: int = 0,
) -> Drawn:
    """Draws negatives on the chromosomes of the positives.

    Args:
        genome: The genome.
        positives: Windows of equal length, sorted.
        taken: What no negative may overlap with its flanks.
        flank_bp: Bases on either side of a window that are its own too.
        per_positive: How many for each positive.
        matches_gc: Whether there shall be as many as of the positives in every bin of GC content.
        seed: Of the draw.
    """
    window_bp = int(positives.end[0] - positives.start[0])
    free = _free(genome, taken, window_bp + 2 * flank_bp)
    parts, num_wanted, num_from_other_bins = [], per_positive * len(positives), 0
    for chrom_id in np.unique(positives.chrom_id).tolist():
        here = _on(positives, chrom_id)
        tiles = _tiles(_on(free, chrom_id), window_bp, flank_bp, seed)
        bins = [
            _gc_bins(genome, windows) if matches_gc else np.zeros(len(windows), int)
            for windows in (here, tiles)
        ]
        want, have = (np.bincount(found, minlength=_GC_BINS) for found in bins)
        allotted, elsewhere = _allot(want * per_positive, have)
        keys = sampling.example_keys(np.arange(len(tiles)), seed=seed, epoch=chrom_id)
        # Strands as the positives have them, so that the strand tells nothing.
        strand = here.strand[sampling.fold_in(keys, 1) % len(here)]
        parts.append(replace(tiles, strand=strand)[_choose(bins[1], allotted, keys)])
        num_from_other_bins += elsewhere
    windows = intervals.concatenate(parts)
    return Drawn(windows, num_wanted - len(windows), num_from_other_bins)


def gc_match(genome: Genome, positives: Intervals, negatives: Intervals) -> dict[str, float]:
    """Returns the mean GC content of both, and how far their distributions are apart.

    That is the largest difference of the cumulative distributions (Kolmogorov and Smirnov), from
    0, the same, to 1.
    """
    first, second = (np.sort(_gc_content(genome, windows)) for windows in (positives, negatives))
    values = np.concatenate([first, second])
    shares = [np.searchsorted(x, values, side="right") / len(x) for x in (first, second)]
    return {
        "gc_of_positives": float(first.mean()),
        "gc_of_negatives": float(second.mean()),
        "largest_gc_difference": float(np.abs(shares[0] - shares[1]).max()),
    }


def describe(findings: Mapping) -> Iterator[str]:
    """Yields lines about the negatives of a source, if its findings tell of any."""
    found = findings.get("background")
    if not found:
        return
    yield f"Negatives: {found['made']:,} ({found['kind']}) for {found['positives']:,} positives."
    if count := found.get("from_other_bins"):
        yield f"Negatives of another GC content, for want of windows of the right one: {count:,}."
    if count := found.get("missing"):
        yield f"Warning: negatives missing, for want of room on their chromosomes: {count:,}."
    yield (
        f"Mean GC content: {found['gc_of_positives']:.3f} of the positives, "
        f"{found['gc_of_negatives']:.3f} of the negatives; the cumulative distributions differ by "
        f"{found['largest_gc_difference']:.3f} at most."
    )


def _free(genome: Genome, taken: Intervals, length: int) -> Intervals:
    """Returns what is left of the genome, in pieces that hold a window at least, in order."""
    lengths = np.array([chrom.length for chrom in genome.chroms])
    whole = Intervals(np.arange(len(lengths)), np.zeros(len(lengths)), lengths)
    pieces = intervals.subtract(whole, taken)
    return pieces[pieces.end - pieces.start >= length]


def _on(a: Intervals, chrom_id: int) -> Intervals:
    """Returns the rows of sorted intervals that lie on a chromosome."""
    return a[slice(*np.searchsorted(a.chrom_id, [chrom_id, chrom_id + 1]))]


def _tiles(free: Intervals, window_bp: int, flank_bp: int, seed: int) -> Intervals:
    """Cuts stretches of one chromosome into windows side by side, each from a random base on."""
    length = window_bp + 2 * flank_bp
    count, rest = np.divmod(free.end - free.start, length)
    first = free.start + sampling.example_keys(free.start, seed=seed, epoch=0) % (rest + 1)
    piece = np.repeat(np.arange(len(free)), count)
    number = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    start = first[piece] + number * length + flank_bp
    return Intervals(free.chrom_id[piece], start, start + window_bp)


def _gc_content(genome: Genome, windows: Intervals) -> np.ndarray:
    """Returns the share of C and G among the bases that are known, float64; 0 if none is."""
    place = windows.chrom_id, windows.start, windows.end
    known = windows.end - windows.start - genome.ambiguous_count(*place)
    return genome.gc_count(*place) / np.maximum(known, 1)


def _gc_bins(genome: Genome, windows: Intervals) -> np.ndarray:
    return np.minimum((_gc_content(genome, windows) * _GC_BINS).astype(int), _GC_BINS - 1)


def _allot(want: np.ndarray, have: np.ndarray) -> tuple[np.ndarray, int]:
    """Returns how many to take from every bin, int64 `[B]`, and how many of them for another one.

    What a bin lacks is taken from the nearest ones that have more than they need.
    """
    missing, left, elsewhere = want.copy(), have.copy(), 0
    for distance in range(len(want)):
        for shift in dict.fromkeys((distance, -distance)):
            # Views: bin b of the first lies beside bin b + shift of the second.
            lacking = missing[max(0, -shift) : len(want) - max(0, shift)]
            offered = left[max(0, shift) : len(want) - max(0, -shift)]
            moved = np.minimum(lacking, offered)
            lacking -= moved
            offered -= moved
            elsewhere += int(moved.sum()) if distance else 0
    return have - left, elsewhere


def _choose(bins: np.ndarray, allotted: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Returns which windows to take, in order: of each bin as many as allotted, at random."""
    order = np.lexsort((keys, bins))
    in_order = bins[order]
    rank = np.arange(len(order)) - np.searchsorted(in_order, in_order)
    return np.sort(order[rank < allotted[in_order]])
