"""Intervals whose bases are not to be trusted, and what becomes of the values there."""

import math
from dataclasses import dataclass

import numpy as np

from data_prep.bigwig import BigWig
from tfrecords.errors import InputError

TREATMENTS = ("missing", "zero", "clip")
_CHROM_SHIFT = 40  # A place in the genome as one number: chromosome, then base.


@dataclass(frozen=True)
class Blacklist:
    """Intervals `[M]` as places in the genome, by start; `reach` is the furthest end up to each."""

    start: np.ndarray
    end: np.ndarray
    reach: np.ndarray

    @classmethod
    def of(cls, chrom_id: np.ndarray, start: np.ndarray, end: np.ndarray) -> "Blacklist":
        """Takes intervals in any order, which may overlap."""
        chrom = np.asarray(chrom_id, np.int64) << _CHROM_SHIFT
        start, end = chrom + start, chrom + end
        order = np.argsort(start, kind="stable")
        return cls(start[order], end[order], np.maximum.accumulate(end[order]))

    def inside(self, chrom_id: int, start: int, end: int) -> np.ndarray | None:
        """Returns which bases of a stretch lie in an interval, bool `[end - start]`; None if none.

        Args:
            chrom_id: Of the stretch.
            start: Its first base.
            end: The base behind its last one.
        """
        origin, size = (chrom_id << _CHROM_SHIFT) + start, end - start
        low = np.searchsorted(self.reach, origin, side="right")
        high = np.searchsorted(self.start, origin + size)
        if low >= high:
            return None
        depth = np.zeros(size + 1, np.int64)
        np.add.at(depth, np.clip(self.start[low:high] - origin, 0, size), 1)
        np.add.at(depth, np.clip(self.end[low:high] - origin, 0, size), -1)
        return np.cumsum(depth[:-1]) > 0


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
