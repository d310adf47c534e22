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
from data_prep.source import UNSPLIT, Batch
from data_prep.tiling import Tiling, whole
from data_prep.window_fields import WindowFields, finding_lines, window_findings


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
        check_range("stride_bp", stride_bp, 1, 1 << 31)
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
            "stride_bp": stride_bp or window_bp,
            "shift_bp": shift_bp,
            "max_ambiguous": max_ambiguous,
            "keep_softmask": keep_softmask,
        }
        self._files, self.genome = files, files.genome
        given = files.all("regions")
        merged = intervals.merge(given)
        self._tiling = Tiling(
            files.genome,
            merged if regions else whole(files.genome),
            self._fields,
            stride_bp=self.flags["stride_bp"],
            max_ambiguous=max_ambiguous,
            blacklist=files.all("blacklist"),
        )
        self.num_rows = self._tiling.num_windows
        self.findings = window_findings(self._tiling.left_out, len(given) - len(merged))
        self.notes = (*files.notes, *finding_lines(self.findings))

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all windows in order, at most `size` at a time."""
        for windows in self._tiling.batches(size):
            columns = self._fields.read(self._files.genome, windows)
            yield Batch(columns, np.full(len(windows), UNSPLIT, np.int8))
