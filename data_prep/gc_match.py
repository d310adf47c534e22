"""Whether negatives have the GC content of the positives, counted in the rows themselves.

Shapes: `N` rows, `T` tasks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from data_prep.scratch import Column
from tfrecords import sequence
from tfrecords.manifest import SPLITS

_BLOCK_BASES = 1 << 22
_GC_BINS = 10_000  # So narrow that windows of some kb differ by one at least.
# The match is poor if the distributions are this far apart, and farther than equal ones are in one
# draw of a hundred (Smirnov 1948, doi:10.1214/aoms/1177730256), lest a few rows give the alarm.
_MAX_DIFFERENCE = 0.1
_ONE_IN_A_HUNDRED = 1.63


def gc_match(
    sequences: Column, targets: Column, split: np.ndarray, *, length: int, shift_bp: int = 0
) -> dict[str, dict[str, Any]]:
    """Returns of every split that has both how well negatives match positives, for a manifest.

    That is how many there are of each, their mean GC content, the largest difference of the
    cumulative distributions (Kolmogorov and Smirnov), from 0, the same, to 1, and `is_poor`.

    Args:
        sequences: Packed sequences of `length` bases.
        targets: float32 `[N, T]`; positives have a label 1.
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
        length: Bases of a sequence.
        shift_bp: Of them, so many on either side of the window that is counted.
    """
    counts = np.zeros((len(SPLITS), 2, _GC_BINS + 1), np.int64)
    step, window = max(1, _BLOCK_BASES // length), length - 2 * shift_bp
    for start in range(0, len(split), step):
        block = slice(start, start + step)
        packed = sequence.crop(sequences[block], length, shift_bp, window)
        gc = sequence.gc_content(packed, window)
        known = (split[block] >= 0) & ~np.isnan(gc)
        place = split[block][known], (targets[block][known] == 1).any(axis=1).astype(int)
        np.add.at(counts, (*place, np.rint(gc[known] * _GC_BINS).astype(int)), 1)
    return {
        name: _compared(counts[code])
        for code, name in enumerate(SPLITS)
        if counts[code].any(axis=1).all()
    }


def _compared(counts: np.ndarray) -> dict[str, Any]:
    """Compares how often negatives and positives have each GC content, int64 `[2, bins]`."""
    sizes = counts.sum(axis=1)
    shares = np.cumsum(counts, axis=1) / sizes[:, None]
    difference = float(np.abs(shares[0] - shares[1]).max())
    by_chance = _ONE_IN_A_HUNDRED * float(np.sqrt((1 / sizes).sum()))
    means = (counts @ np.arange(_GC_BINS + 1) / (sizes * _GC_BINS)).tolist()
    return {
        "negatives": int(sizes[0]),
        "positives": int(sizes[1]),
        "gc_of_negatives": means[0],
        "gc_of_positives": means[1],
        "largest_gc_difference": difference,
        "is_poor": difference > max(_MAX_DIFFERENCE, by_chance),
    }


def describe(found: Mapping[str, Any]) -> str:
    """Returns in words what `gc_match` found of a split."""
    return (
        f"{found['gc_of_negatives']:.3f} of {found['negatives']} negatives, "
        f"{found['gc_of_positives']:.3f} of {found['positives']} positives; the cumulative "
        f"distributions differ by {found['largest_gc_difference']:.3f} at most"
    )


def warnings(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yields a line for every split with a poor match."""
    for name, match in found.items():
        if match["is_poor"]:
            yield (
                f"Warning: the negatives of {name} do not match the GC content of its positives: "
                f"{describe(match)}; a model can tell them apart by it."
            )
