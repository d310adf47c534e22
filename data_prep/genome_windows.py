"""Windows of a genome without labels: tiled over its chromosomes, or over regions of them.

Within a chromosome or a region windows begin every `stride_bp`, from its first base on; what is
left at its end, less than a window, is in none.
"""

import os
from collections.abc import Callable, Iterator

import numpy as np

from data_prep import intervals
from data_prep.build_config import check_range
from data_prep.genome_inputs import GenomeInputs
from data_prep.intervals import Intervals
from data_prep.source import UNSPLIT, Batch
from data_prep.window_fields import WindowFields, left_out_lines
from tfrecords.errors import InputError

_BLOCK = 1 << 18  # Windows looked at together; a multiple of eight.


class GenomeWindows:
    """A source of windows of a genome, forward strand, in the order of the FASTA file.

    Memory: a bit for each window.

    Args:
        fasta: The genome.
        window_bp: Bases of a window.
        stride_bp: From one start to the next; default: `window_bp`, so that no two overlap.
        shift_bp: More bases stored on either side.
        max_ambiguous: The share of a window's bases that may be N or another code of several.
        regions: BED file: only windows that lie in its intervals; those that overlap are merged.
        blacklist: BED file; windows that overlap it are left out.
        keep_softmask: Whether to store which bases are small letters, as repeats are written.
        chrom_alias: How chromosome names are matched; see `chrom_names.match_names`.
        cache_dir: Where the packed genome is kept; see `genome.open_genome`.
        log: Takes lines for the user about reading the genome.

    Raises:
        InputError: A file cannot be read or does not fit the genome, or no window is left.
    """

    task_type = "unlabelled"
    tasks = ()
    unsplit = "windows of a genome come without a split"

    def __init__(
        self,
        fasta: str | os.PathLike,
        *,
        window_bp: int,
        stride_bp: int | None = None,
        shift_bp: int = 0,
        max_ambiguous: float = 0.05,
        regions: str | os.PathLike | None = None,
        blacklist: str | os.PathLike | None = None,
        keep_softmask: bool = False,
        chrom_alias: str = "none",
        cache_dir: str | os.PathLike | None = None,
        log: Callable[[str], None] | None = None,
    ):
        self._fields = WindowFields(window_bp, shift_bp, keep_softmask)
        self._stride = window_bp if stride_bp is None else stride_bp
        check_range("stride_bp", self._stride, 1, 1 << 31)
        check_range("max_ambiguous", max_ambiguous, 0, 1)
        beds = {
            "regions": [regions] if regions else [],
            "blacklist": [blacklist] if blacklist else [],
        }
        files = GenomeInputs(fasta, beds, chrom_alias=chrom_alias, cache_dir=cache_dir, log=log)
        self.length, self.details = self._fields.length, files.details
        self.features, self.inputs = self._fields.features, files.inputs
        self.paths, self.paths_by_split = files.paths, files.paths_by_split
        self.flags = {
            "source": "windows",
            **files.flags,
            "window_bp": window_bp,
            "stride_bp": self._stride,
            "shift_bp": shift_bp,
            "max_ambiguous": max_ambiguous,
            "keep_softmask": keep_softmask,
        }
        self._files = files
        self._tiled, num_short = self._regions()
        count = (self._tiled.end - self._tiled.start - window_bp) // self._stride + 1
        self._ends = np.cumsum(count)
        blocks, counts = zip(*self._choose(max_ambiguous * window_bp), strict=True)
        self._is_kept = np.concatenate(blocks)
        self.num_rows, num_ambiguous, num_blacklisted = np.sum(counts, axis=0).tolist()
        left_out = {
            "in chromosomes or regions shorter than one": num_short,
            f"more than {max_ambiguous:g} of the bases ambiguous": num_ambiguous,
            "on the blacklist": num_blacklisted,
        }
        self.findings = {"left_out": {why: number for why, number in left_out.items() if number}}
        if not self.num_rows:
            raise InputError(
                f"no window of {self.length} bp is left: "
                f"{' '.join(left_out_lines(self.findings['left_out']))}"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        given = len(self._files.all("regions"))
        merged = len(intervals.merge(self._files.all("regions")))
        line = f"Regions: {given:,}; those that overlap or touch merged: {merged:,}."
        return (
            *self._files.notes,
            *([line] if merged < given else []),
            *left_out_lines(self.findings["left_out"]),
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all windows in order, at most `size` at a time."""
        for first in range(0, 8 * len(self._is_kept), _BLOCK):
            bits = self._is_kept[first // 8 : (first + _BLOCK) // 8]
            numbers = first + np.flatnonzero(np.unpackbits(bits))
            for start in range(0, len(numbers), size):
                windows = self._windows(numbers[start : start + size])
                columns = self._fields.read(self._files.genome, windows)
                yield Batch(columns, np.full(len(windows), UNSPLIT, np.int8))

    def _regions(self) -> tuple[Intervals, int]:
        """Returns what is tiled, and how many regions were left out, being too short.

        Windows lie within it; what lies beside it has room for flanks.
        """
        lengths = np.array([chrom.length for chrom in self.details["chroms"]])
        regions = Intervals(np.arange(len(lengths)), np.zeros(len(lengths)), lengths)
        if self._files.intervals["regions"]:
            regions = intervals.merge(self._files.all("regions"))
        flank_bp = self._fields.shift_bp
        start = np.maximum(regions.start, flank_bp)
        end = np.minimum(regions.end, lengths[regions.chrom_id] - flank_bp)
        is_long = end - start >= self._fields.window_bp
        tiled = Intervals(regions.chrom_id, start, end)[is_long]
        return tiled, int((~is_long).sum())

    def _windows(self, numbers: np.ndarray) -> Intervals:
        """Returns windows by their numbers, those left out counted."""
        region = np.searchsorted(self._ends, numbers, side="right")
        before = np.append(0, self._ends)[region]
        start = self._tiled.start[region] + (numbers - before) * self._stride
        end, forward = start + self._fields.window_bp, np.ones(len(numbers))
        return Intervals(self._tiled.chrom_id[region], start, end, forward)

    def _choose(self, max_ambiguous: float) -> Iterator[tuple[np.ndarray, list[int]]]:
        """Yields, block by block, a bit for every window that is kept, and three numbers.

        They are those of the windows kept, too ambiguous, and on the blacklist.
        """
        blacklist = intervals.merge(self._files.all("blacklist"))
        total = int(self._ends[-1]) if len(self._ends) else 0
        for first in range(0, max(total, 1), _BLOCK):
            windows = self._windows(np.arange(first, min(total, first + _BLOCK)))
            place = windows.chrom_id, windows.start, windows.end
            is_clear = self._files.genome.ambiguous_count(*place) <= max_ambiguous
            is_listed = intervals.overlaps(self._fields.stored(windows), blacklist) & is_clear
            is_kept = is_clear & ~is_listed
            counts = [int(found.sum()) for found in (is_kept, ~is_clear, is_listed)]
            yield np.packbits(is_kept), counts
