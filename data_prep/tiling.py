"""Windows that begin every so many bases within stretches of a genome, and which of them are used.

What is left at the end of a stretch, less than a window, is in none. Memory: a bit for each window.
"""

from collections.abc import Iterator

import numpy as np

from data_prep import intervals
from data_prep.genome import Genome
from data_prep.intervals import Intervals
from data_prep.window_fields import WindowFields, left_out_lines
from tfrecords.errors import InputError

_BLOCK = 1 << 16  # Windows looked at together; a multiple of eight.


def whole(genome: Genome) -> Intervals:
    """Returns each chromosome as a stretch."""
    lengths = np.array([chrom.length for chrom in genome.chroms])
    return Intervals(np.arange(len(lengths)), np.zeros(len(lengths)), lengths)


class Tiling:
    """Windows on the forward strand, stretch by stretch, all within their chromosomes.

    Args:
        genome: The genome.
        stretches: In which the windows lie; flanks may lie beside them.
        fields: Sizes of the windows and of their flanks.
        stride_bp: From one start to the next.
        max_ambiguous: The share of a window's bases that may be N or another code of several.
        blacklist: A window that overlaps it, flanks included, is left out.

    Attributes:
        num_windows: How many are used.
        left_out: How many are not, by reason.

    Raises:
        InputError: No window is left.
    """

    def __init__(
        self,
        genome: Genome,
        stretches: Intervals,
        fields: WindowFields,
        *,
        stride_bp: int,
        max_ambiguous: float,
        blacklist: Intervals,
    ):
        self._genome, self._fields, self._stride = genome, fields, stride_bp
        self._stretches, num_short = self._with_room(stretches)
        count = (self._stretches.end - self._stretches.start - fields.window_bp) // stride_bp + 1
        self._ends = np.cumsum(count)
        found = self._choose(max_ambiguous * fields.window_bp, intervals.merge(blacklist))
        blocks, counts = zip(*found, strict=True)
        self._is_used = np.concatenate(blocks)
        self.num_windows, num_ambiguous, num_blacklisted = np.sum(counts, axis=0).tolist()
        left_out = {
            "without room in their chromosome or region": num_short,
            f"more than {max_ambiguous:g} of the bases ambiguous": num_ambiguous,
            "on the blacklist": num_blacklisted,
        }
        self.left_out = {why: number for why, number in left_out.items() if number}
        if not self.num_windows:
            why = " ".join(left_out_lines(self.left_out))
            raise InputError(f"no window of {fields.length} bp is left: {why}")

    def batches(self, size: int) -> Iterator[Intervals]:
        """Yields the windows in order, at most `size` at a time."""
        for first in range(0, 8 * len(self._is_used), _BLOCK):
            bits = self._is_used[first // 8 : (first + _BLOCK) // 8]
            numbers = first + np.flatnonzero(np.unpackbits(bits))
            for start in range(0, len(numbers), size):
                yield self._windows(numbers[start : start + size])

    def _with_room(self, stretches: Intervals) -> tuple[Intervals, int]:
        """Returns stretches without what is too close to an end, and how many are too short."""
        lengths = np.array([chrom.length for chrom in self._genome.chroms])
        flank_bp = self._fields.shift_bp
        start = np.maximum(stretches.start, flank_bp)
        end = np.minimum(stretches.end, lengths[stretches.chrom_id] - flank_bp)
        is_long = end - start >= self._fields.window_bp
        return Intervals(stretches.chrom_id, start, end)[is_long], int((~is_long).sum())

    def _windows(self, numbers: np.ndarray) -> Intervals:
        """Returns windows by their numbers, those left out counted."""
        stretch = np.searchsorted(self._ends, numbers, side="right")
        before = np.append(0, self._ends)[stretch]
        start = self._stretches.start[stretch] + (numbers - before) * self._stride
        end, forward = start + self._fields.window_bp, np.ones(len(numbers))
        return Intervals(self._stretches.chrom_id[stretch], start, end, forward)

    def _choose(
        self, max_ambiguous: float, blacklist: Intervals
    ) -> Iterator[tuple[np.ndarray, list[int]]]:
        """Yields, block by block, a bit for every window that is used, and three numbers.

        They are those of the windows used, too ambiguous, and on the blacklist.
        """
        total = int(self._ends[-1]) if len(self._ends) else 0
        for first in range(0, max(total, 1), _BLOCK):
            windows = self._windows(np.arange(first, min(total, first + _BLOCK)))
            place = windows.chrom_id, windows.start, windows.end
            is_clear = self._genome.ambiguous_count(*place) <= max_ambiguous
            is_listed = intervals.overlaps(self._fields.stored(windows), blacklist) & is_clear
            is_used = is_clear & ~is_listed
            counts = [int(found.sum()) for found in (is_used, ~is_clear, is_listed)]
            yield np.packbits(is_used), counts
