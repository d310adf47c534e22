"""Long windows of a genome with binned coverage of many bigWig files.

Windows are tiled over all chromosomes, `stride_bp` from start to start (by default `window_bp`, as
basenji and baskerville have it, so that no two share a base; with a crop, `window_bp - 2 crop_bp`
gives every base a bin), or centred on regions. All are on the forward strand. How the values of
bases become those of bins: `data_prep/track.py`.

Shapes: `N` windows, `T` tracks; targets float16 `[N, bins, T]`, NaN where missing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from data_prep import half_precision
from data_prep.bigwig import check_bigwig
from data_prep.binned_targets import BinnedTargets
from data_prep.build_config import check_range
from data_prep.genome_inputs import GenomeInputs
from data_prep.intervals import Intervals
from data_prep.source import UNSPLIT, Batch
from data_prep.summit_windows import windows_around
from data_prep.targets_table import TargetsTable, read_targets_table, tracks_of
from data_prep.tiling import Tiling, whole
from data_prep.window_fields import WindowFields, finding_lines, window_findings
from tfrecords import bins, strands
from tfrecords.errors import InputError, check_known
from tfrecords.schema import Feature

STATISTICS = ("mean", "sum", "max")
_BATCH_BYTES = 32 << 20


class Tracks:
    """A source of windows with coverage.

    Memory does not grow with the windows, but for a bit each, or some tens of bytes a region.

    Args:
        fasta: The genome.
        bigwigs: bigWig files, a task each, which is named as the file is; or
        targets: a table of them, as `targets_table.read_targets_table` takes it.
        window_bp: Bases of a window.
        bin_bp: Bases of a bin.
        bin_statistic: What a bin is of its bases; of `bigwigs` only, a table says it itself.
        crop_bp: Bases at either end of a window that have no bins.
        stride_bp: From one start to the next; not with `regions`.
        shift_bp: More bases of DNA stored on either side.
        regions: BED file: windows are centred on its intervals, on the summits of narrowPeak.
        uncovered: See `BinnedTargets`.
        blacklist: BED file of bases that are not to be trusted.
        blacklisted: What becomes of the values there; see `BinnedTargets`.
        max_ambiguous: The share of a window's bases that may be N or another code of several.
        cut_sites: Tasks that count cuts between bases; see `strands.turn`.
        chrom_alias: How chromosome names are matched; see `chrom_names.match_names`.
        cache_dir: Where the packed genome is kept; see `genome.open_genome`.
        log: Takes lines for the user: on reading the genome, and on what float16 lost.

    Raises:
        InputError: A file cannot be read or does not fit the genome, sizes do not fit each other,
            or no window is left.
    """

    task_type = "coverage"
    unsplit = "windows of a genome come without a split"

    def __init__(
        self,
        fasta: str | os.PathLike,
        *,
        bigwigs: Sequence[str | os.PathLike] = (),
        targets: str | os.PathLike | None = None,
        window_bp: int,
        bin_bp: int,
        bin_statistic: str | None = None,
        crop_bp: int = 0,
        stride_bp: int | None = None,
        shift_bp: int = 0,
        regions: str | os.PathLike | None = None,
        uncovered: str = "zero",
        blacklist: str | os.PathLike | None = None,
        blacklisted: str = "missing",
        max_ambiguous: float = 0.05,
        cut_sites: Sequence[str] = (),
        chrom_alias: str = "none",
        cache_dir: str | os.PathLike | None = None,
        log: Callable[[str], None] | None = None,
    ):
        self._fields, self._log = WindowFields(window_bp, shift_bp), log or (lambda line: None)
        bins.check(window_bp, bin_bp, crop_bp)
        check_range("max_ambiguous", max_ambiguous, 0, 1)
        check_range("stride_bp", stride_bp, 1, 1 << 31)
        if regions and stride_bp:
            raise InputError("--stride_bp tiles all chromosomes, --regions says where windows are")
        if blacklisted != "missing" and not blacklist:
            raise InputError(f"--blacklisted={blacklisted} needs --blacklist=FILE")
        table = _table(bigwigs, targets, bin_statistic)
        for track in table.tracks:
            check_bigwig(track.path)
        cuts = _cut_sites(cut_sites, table, bin_bp)
        beds = {"regions": regions, "blacklist": blacklist}
        beds = {flag: [path] if path else [] for flag, path in beds.items()}
        files = GenomeInputs(fasta, beds, chrom_alias=chrom_alias, cache_dir=cache_dir, log=log)
        self.genome = files.genome
        self._targets = BinnedTargets(
            table.tracks,
            files.genome.chroms,
            window_bp=window_bp,
            bin_bp=bin_bp,
            crop_bp=crop_bp,
            uncovered=uncovered,
            blacklist=files.all("blacklist") if blacklist else None,
            blacklisted=blacklisted,
            chrom_alias=chrom_alias,
        )
        stretches, num_merged = _stretches(files, window_bp)
        self._tiling = Tiling(
            files.genome,
            stretches,
            self._fields,
            stride_bp=stride_bp or window_bp,
            max_ambiguous=max_ambiguous,
            blacklist=Intervals([], [], []),
        )
        self._describe(files, targets, num_merged)
        self.details = files.details | {
            "target_scale": self._targets.target_scale,
            "bin_bp": bin_bp,
            "crop_bp": crop_bp,
            "strand_pairs": table.strand_pairs,
            "cut_sites": cuts,
        }
        self.flags = {
            "source": "tracks",
            **files.flags,
            "window_bp": window_bp,
            "bin_bp": bin_bp,
            "bin_statistic": None if targets else bin_statistic or STATISTICS[0],
            "crop_bp": crop_bp,
            "stride_bp": stride_bp,
            "shift_bp": shift_bp,
            "uncovered": uncovered,
            "blacklisted": blacklisted if blacklist else None,
            "max_ambiguous": max_ambiguous,
            "cut_sites": list(cut_sites),
        }

    def _describe(
        self, files: GenomeInputs, targets: str | os.PathLike | None, num_merged: int
    ) -> None:
        """Sets what a source tells of its rows and files; the tracks' are added to the files."""
        self.num_rows = self._tiling.num_windows
        self.tasks, self.length = self._targets.tasks, self._fields.length
        shape = (self._targets.num_bins, len(self.tasks))
        self.features = (*self._fields.features, Feature("targets", "float16", shape))
        self.findings = window_findings(self._tiling.left_out, num_merged)
        self.notes = (*files.notes, *self._targets.notes, *finding_lines(self.findings))
        rows = dict.fromkeys(self._targets.paths, len(files.genome.chroms))
        if targets:
            files.add("targets", [targets], {os.fspath(targets): len(self.tasks)} | rows)
        else:
            files.add("bigwig", self._targets.paths, rows)
        self.paths, self.paths_by_split = files.paths, files.paths_by_split
        self.inputs = files.inputs

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all windows in order, at most `size` at a time, or fewer if they are large."""
        # Values are float32, and copied once or twice on the way to float16.
        window_bytes = 12 * self._targets.num_bins * len(self.tasks)
        size = max(1, min(size, _BATCH_BYTES // window_bytes))
        lost = None
        for windows in self._tiling.batches(size):
            columns = self._fields.read(self.genome, windows)
            values = self._targets.read(windows.chrom_id, windows.start)
            columns["targets"] = self._targets.store(values)
            more = self._targets.loss(values, columns["targets"])
            lost = more if lost is None else lost + more
            yield Batch(columns, np.full(len(windows), UNSPLIT, np.int8))
        self.findings["float16"] = lost.to_json(self.tasks)
        self._log(half_precision.describe(self.findings["float16"]))


def _stretches(files: GenomeInputs, window_bp: int) -> tuple[Intervals, int]:
    """Returns windows around the regions, or all chromosomes, and how many regions are merged."""
    around = replace(files.all("regions"), strand=None)
    if not len(around):
        return whole(files.genome), 0
    windows = windows_around(around, window_bp)
    return windows, len(around) - len(windows)


def _table(
    bigwigs: Sequence[str | os.PathLike], targets: str | os.PathLike | None, statistic: str | None
) -> TargetsTable:
    """Returns the tracks that are asked for."""
    if bool(bigwigs) == bool(targets):
        raise InputError(
            "give bigWig files, --bigwig=FILE,FILE, or a table of them, --targets=FILE"
        )
    if targets:
        if statistic is not None:
            raise InputError("--bin_statistic is for --bigwig; --targets has a column sum_stat")
        return read_targets_table(targets)
    statistic = statistic or STATISTICS[0]
    check_known("--bin_statistic: no statistic", statistic, STATISTICS, "There are")
    return tracks_of(bigwigs, statistic)


def _cut_sites(names: Sequence[str], table: TargetsTable, bin_bp: int) -> tuple[int, ...]:
    """Returns the places of tasks that count cuts."""
    tasks = [track.name for track in table.tracks]
    for name in names:
        check_known("--cut_sites: no task", name, tasks, "Tasks")
    places = tuple(sorted({tasks.index(name) for name in names}))
    strands.check_cut_sites(places, len(tasks), bin_bp, table.strand_pairs)
    return places
