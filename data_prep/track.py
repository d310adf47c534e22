"""A track: a bigWig file, and how the values of its bases become those of bins.

This is done as baskerville does it (`hound_data_read.py` of calico/baskerville, commit 40c8925), in
this order:

1. bases that the file does not cover count 0, or not at all;
2. values are multiplied by `scale`;
3. bases in blacklisted intervals: the bin is missing, or they are 0, or at most the track's mean;
4. the bin is their mean, sum or maximum `x`; for a statistic with a power p, `(1 + x)^p - 1`;
5. from `clip_soft` = c on it is `c - 1 + sqrt(x - c + 1)`;
6. it is not above `clip`, nor below `-clip`.

Two things differ, so that a bin has one value whichever window it lies in: baskerville clips
blacklisted bases to the median of the window, and it rounds bases to float16 before it adds them.
Tables for the older basenji have their limits in units before the scale: multiply them by it.
"""

from dataclasses import dataclass

import numpy as np

from data_prep.bigwig import BigWig
from tfrecords.errors import InputError

# The value of a bin from those of its bases, and the power that it is squashed with.
STATISTICS = {
    "mean": ("mean", 1.0),
    "avg": ("mean", 1.0),
    "sum": ("sum", 1.0),
    "max": ("max", 1.0),
    "mean_sqrt": ("mean", 0.5),
    "avg_sqrt": ("mean", 0.5),
    "sum_sqrt": ("sum", 0.5),
    "sum_exp75": ("sum", 0.75),
}


@dataclass(frozen=True)
class Track:
    """A column of `coverage` targets.

    Attributes:
        name: Of the task.
        path: Of the bigWig.
        statistic: One of `STATISTICS`.
        scale: By what values are multiplied; not 0, and below 0 where a file has the counts of
            the minus strand as negative numbers.
        clip_soft: From where on a bin grows like a square root only; None: it does not.
        clip: The largest absolute value of a bin; None: there is none.
    """

    name: str
    path: str
    statistic: str = "mean"
    scale: float = 1.0
    clip_soft: float | None = None
    clip: float | None = None

    @property
    def reduction(self) -> str:
        """How bases become a bin: `mean`, `sum` or `max`."""
        return STATISTICS[self.statistic][0]

    def squash(self, values: np.ndarray) -> np.ndarray:
        """Applies steps 4 (the power), 5 and 6 to the values of bins, in place."""
        power = STATISTICS[self.statistic][1]
        if power != 1:
            values[:] = (1 + values) ** power - 1
        if self.clip_soft is not None:
            above = values > self.clip_soft
            values[above] = self.clip_soft - 1 + np.sqrt(values[above] - self.clip_soft + 1)
        if self.clip is not None:
            np.clip(values, -self.clip, self.clip, out=values)
        return values

    def extremes(self, bigwig: BigWig) -> tuple[float, float]:
        """Returns the smallest and the largest value of its file after the scale."""
        ends = sorted((bigwig.smallest * self.scale, bigwig.largest * self.scale))
        return ends[0], ends[1]

    def largest_bin(self, bigwig: BigWig, bin_bp: int) -> float:
        """Returns what the absolute value of no bin exceeds, as the extremes of its file say.

        Raises:
            InputError: The statistic takes roots, and there are negative values.
        """
        # A base that is not covered may count 0.
        extremes = np.array([*self.extremes(bigwig), 0.0])
        if STATISTICS[self.statistic][1] != 1 and extremes[0] < 0:
            raise InputError(
                f"{self.path}: {self.statistic} needs values from 0 on, but there are "
                f"{extremes[0]:.6g}, after scale {self.scale:g}"
            )
        if self.reduction == "sum":
            extremes *= bin_bp
        return float(np.abs(self.squash(extremes)).max())
