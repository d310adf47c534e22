"""Windows of a genome around peaks of one or several BED files, with negatives from the genome.

A window is centred on the summit of a peak: column 10 of narrowPeak, else the middle. Each file is
a task; the target is 1 if a summit of that file lies in the window. Each distinct window is there
once, sorted by chromosome and start; negatives come behind, sorted likewise.

Shapes: `N` windows, `T` tasks.
"""

import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from data_prep import background, intervals
from data_prep.build_config import MAX_NEGATIVES, check_range
from data_prep.genome_inputs import GenomeInputs
from data_prep.intervals import Intervals
from data_prep.source import UNSPLIT, Batch
from data_prep.summit_windows import holds_summit, windows_around
from data_prep.window_fields import WindowFields, left_out_lines
from tfrecords.errors import InputError, check_known
from tfrecords.schema import Feature

_SUFFIX = re.compile(r"(\.(bed\d*|narrowpeak|broadpeak|txt))?(\.(gz|bz2|zst))?$", re.IGNORECASE)


class Peaks:
    """A source of windows around peaks, and of negatives.

    Args:
        fasta: The genome.
        peaks: BED, narrowPeak or broadPeak files, a task each, which is named as the file is.
        window_bp: Bases of a window.
        shift_bp: More bases stored on either side.
        negatives: One of `background.KINDS`.
        negatives_per_positive: How many, of those that are drawn.
        negatives_file: Of the kind `file`: the negatives are the windows around its summits.
        blacklist: BED file; windows that overlap it are left out.
        chrom_alias: How chromosome names are matched; see `chrom_names.match_names`.
        seed: Of the negatives.
        cache_dir: Where the packed genome is kept; see `genome.open_genome`.
        log: Takes lines for the user about reading the genome.

    Raises:
        InputError: A file cannot be read or does not fit the genome, two files have one name, or
            no window is left.
    """

    task_type = "binary"
    unsplit = "windows around peaks come without a split"

    def __init__(
        self,
        fasta: str | os.PathLike,
        peaks: Sequence[str | os.PathLike],
        *,
        window_bp: int,
        shift_bp: int = 0,
        negatives: str = background.GC_MATCHED,
        negatives_per_positive: int = 1,
        negatives_file: str | os.PathLike | None = None,
        blacklist: str | os.PathLike | None = None,
        chrom_alias: str = "none",
        seed: int = 0,
        cache_dir: str | os.PathLike | None = None,
        log: Callable[[str], None] | None = None,
    ):
        self._fields = WindowFields(window_bp, shift_bp)
        _check_negatives(negatives, negatives_per_positive, negatives_file)
        self.tasks = _task_names(peaks)
        beds = {
            "peaks": peaks,
            "blacklist": [blacklist] if blacklist else [],
            "negatives_file": [negatives_file] if negatives_file else [],
        }
        files = GenomeInputs(fasta, beds, chrom_alias=chrom_alias, cache_dir=cache_dir, log=log)
        self.length, self.details = self._fields.length, files.details
        self.features = (*self._fields.features, Feature("targets", "float32", (len(self.tasks),)))
        self.paths, self.paths_by_split = files.paths, files.paths_by_split
        self.inputs = files.inputs
        self.flags = {
            "source": "peaks",
            **files.flags,
            "window_bp": window_bp,
            "shift_bp": shift_bp,
            "negatives": negatives,
            "negatives_per_positive": negatives_per_positive,
            "seed": seed,
        }
        self.findings = {"left_out": {}}
        self._files, self.genome = files, files.genome
        positives = self._positives()
        self._windows = intervals.concatenate([positives, self._negatives(positives)])
        self._targets = np.stack(
            [holds_summit(self._windows, found) for found in files.intervals["peaks"]], axis=1
        )
        self.num_rows = len(self._windows)

    @property
    def notes(self) -> tuple[str, ...]:
        files = self._files.intervals["peaks"]
        return (
            *self._files.notes,
            f"Peaks: {sum(map(len, files)):,} in files: {len(files)}; distinct windows around "
            f"their summits: {self.findings['peak_windows']:,}.",
            *left_out_lines(self.findings["left_out"]),
            *background.describe(self.findings),
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all windows in order, at most `size` at a time."""
        for start in range(0, self.num_rows, size):
            rows = slice(start, start + size)
            columns = self._fields.read(self._files.genome, self._windows[rows])
            columns["targets"] = self._targets[rows].astype(np.float32)
            yield Batch(columns, np.full(len(columns["start"]), UNSPLIT, np.int8))

    def _positives(self) -> Intervals:
        """Returns the windows around all peaks that can be cut out."""
        windows = windows_around(self._files.all("peaks"), self._fields.window_bp)
        self.findings["peak_windows"] = len(windows)
        windows = self._within(windows, "around peaks")
        windows = self._beside(
            windows, self._files.all("blacklist"), "around peaks, on the blacklist"
        )
        if not len(windows):
            raise InputError(
                f"no window of {self.length} bp around a peak is left: "
                f"{' '.join(left_out_lines(self.findings['left_out']))}"
            )
        return windows

    def _negatives(self, positives: Intervals) -> Intervals:
        """Returns the negatives, and notes how they match."""
        kind, per_positive = self.flags["negatives"], self.flags["negatives_per_positive"]
        if kind == background.NONE:
            return positives[:0]
        genome, fields = self._files.genome, self._fields
        taken = self._taken()
        found = {"kind": kind, "positives": len(positives)}
        if kind == background.FILE:
            windows = windows_around(self._files.all("negatives_file"), fields.window_bp)
            windows = self._within(windows, "of the negatives")
            where = "of the negatives, on a peak, the blacklist or a run of N"
            windows = self._beside(windows, taken, where)
        else:
            drawn = background.draw(
                genome,
                positives,
                taken,
                flank_bp=fields.shift_bp,
                per_positive=per_positive,
                matches_gc=kind == background.GC_MATCHED,
                seed=self.flags["seed"],
            )
            windows = drawn.windows
            found["missing"] = drawn.num_missing
            found["from_other_bins"] = drawn.num_from_other_bins
        if not len(windows):
            raise InputError(
                f"--negatives={kind} gives none: no window of {self.length} bp lies beside all "
                "peaks, the blacklist and runs of N; --negatives=none does without"
            )
        found |= {"made": len(windows), **background.gc_match(genome, positives, windows)}
        self.findings["background"] = found
        return windows

    def _taken(self) -> Intervals:
        """Returns what no negative may overlap: peaks, windows around them, blacklist, gaps."""
        peaks, blacklist = self._files.all("peaks"), self._files.all("blacklist")
        around = self._fields.stored(windows_around(peaks, self._fields.window_bp))
        around = replace(around, start=np.maximum(around.start, 0))
        return intervals.concatenate([around, peaks, blacklist, self._files.genome.gaps])

    def _within(self, windows: Intervals, which: str) -> Intervals:
        """Returns the windows that do not reach past an end, and counts the others."""
        ends = np.array([chrom.length for chrom in self.details["chroms"]])
        stored = self._fields.stored(windows)
        is_within = (stored.start >= 0) & (stored.end <= ends[stored.chrom_id])
        return self._kept(windows, is_within, f"{which}, past an end of their chromosome")

    def _beside(self, windows: Intervals, taken: Intervals, why: str) -> Intervals:
        """Returns the windows that overlap nothing of what is taken, and counts the others."""
        is_beside = ~intervals.overlaps(self._fields.stored(windows), taken)
        return self._kept(windows, is_beside, why)

    def _kept(self, windows: Intervals, is_kept: np.ndarray, why: str) -> Intervals:
        if not is_kept.all():
            self.findings["left_out"][why] = int((~is_kept).sum())
        return windows[is_kept]


def _task_names(peaks: Sequence[str | os.PathLike]) -> tuple[str, ...]:
    """Returns the names of the files, without what says their kind: `Reb1` of `a/Reb1.bed.gz`."""
    if not peaks:
        raise InputError("no file of peaks was given; give --peaks=FILE or --peaks=FILE,FILE")
    path_of: dict[str, str] = {}
    for path in map(os.fspath, peaks):
        name = _SUFFIX.sub("", pathlib.Path(path).name)
        if name in path_of:
            raise InputError(
                f"{path_of[name]} and {path} would both be the task {name!r}; rename one"
            )
        path_of[name] = path
    return tuple(path_of)


def _check_negatives(
    kind: str, per_positive: int, negatives_file: str | os.PathLike | None
) -> None:
    check_known("--negatives: no kind", kind, background.KINDS, "Kinds")
    check_range("negatives_per_positive", per_positive, 1, MAX_NEGATIVES)
    if (kind == background.FILE) != (negatives_file is not None):
        raise InputError("--negatives=file and --negatives_file=FILE go together")
    if per_positive != 1 and kind in (background.FILE, background.NONE):
        raise InputError(
            f"--negatives_per_positive={per_positive} has no meaning with --negatives={kind}"
        )
