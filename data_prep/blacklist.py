"""Intervals whose bases are not to be trusted, and what becomes of the values there."""

import math

import numpy as np

from data_prep.bigwig import BigWig
from data_prep.intervals import Intervals, merge
from tfrecords.chrom import place
from tfrecords.errors import InputError

TREATMENTS = ("missing", "zero", "clip")


class Blacklist:
    """Intervals in any order, which may overlap."""

    def __init__(self, intervals: Intervals):
        merged = merge(intervals)
        self._start = place(merged.chrom_id, merged.start)
        self._end = place(merged.chrom_id, merged.end)

    def inside(self, chrom_id: int, start: int, end: int) -> np.ndarray | None:
        """Returns which bases of a stretch lie in an interval, bool `[end - start]`; None if none.

        Args:
            chrom_id: Of the stretch.
            start: Its first base.
            end: The base behind its last one.
        """
        origin, size = place(chrom_id, start), end - start
        low = np.searchsorted(self._end, origin, side="right")
        high = np.searchsorted(self._start, origin + size)
        if low >= high:
            return None
        step = np.zeros(size + 1, np.int8)
        step[np.maximum(self._start[low:high] - origin, 0)] = 1
        step[np.minimum(self._end[low:high] - origin, size)] = -1
        return np.cumsum(step[:-1], dtype=np.int8).view(bool)


def limit_of(bigwig: BigWig, scale: float, treatment: str) -> float:
    """Returns the largest absolute value of blacklisted bases; NaN if they are missing.

    Args:
        bigwig: The file.
        scale: By what its values are multiplied.
        treatment: `missing`, `zero`, or `clip`: the mean of the file over its chromosomes.

    Raises:
        InputError: The mean is not to be had.
    """
    if treatment != "clip":
        return {"missing": math.nan, "zero": 0.0}[treatment]
    mean = bigwig.total / sum(chrom.length for chrom in bigwig.chroms)
    if not math.isfinite(mean):
        raise InputError(
            f"{bigwig.path}: its header has no sum, so blacklisted bases cannot be clipped to the "
            "mean; make them missing or zero instead"
        )
    return abs(mean * scale)
