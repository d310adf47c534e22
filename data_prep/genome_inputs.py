"""The files of a source of windows of a genome: a FASTA file, and BED files of intervals on it."""

import os
from collections.abc import Callable, Mapping, Sequence

from data_prep import intervals
from data_prep.bed import read_bed
from data_prep.chrom_names import ALIASES, check_alias, match_names
from data_prep.genome import open_genome
from data_prep.intervals import Intervals
from data_prep.source import file_names
from data_prep.text_file import TextFile
from tfrecords.chrom import Chrom
from tfrecords.files import file_sha256
from tfrecords.input_copies import local_copy

Paths = Sequence[str | os.PathLike]


class GenomeInputs:
    """A genome and sets of intervals on it, whose chromosome names were matched.

    Attributes:
        genome: The genome.
        intervals: For every flag the intervals of its files, in the order given.
        notes: Lines for the user: which names were taken for one.
        paths: All files.
        paths_by_split: The same by the flag that names them.
        flags: Base names of the files, and how names were matched, for a manifest.
        inputs: Name, sha256 and number of rows of each (of FASTA, of sequences).
        details: `chroms` and `genome_sha256`.

    Args:
        fasta: The genome.
        beds: Paths of BED, narrowPeak or broadPeak files, by the flag that names them.
        chrom_alias: See `chrom_names.match_names`.
        cache_dir: See `genome.open_genome`.
        log: Takes lines for the user.

    Raises:
        InputError: A file cannot be read, names other chromosomes, or has an interval that ends
            past its chromosome.
    """

    def __init__(
        self,
        fasta: str | os.PathLike,
        beds: Mapping[str, Paths],
        *,
        chrom_alias: str = "none",
        cache_dir: str | os.PathLike | None = None,
        log: Callable[[str], None] | None = None,
    ):
        check_alias(chrom_alias)
        read = {os.fspath(path): read_bed(path) for paths in beds.values() for path in paths}
        self.genome = open_genome(fasta, cache_dir=cache_dir, log=log)
        chroms = self.genome.chroms
        ends = {path: bed.ends for path, bed in read.items()}
        chrom_ids, self.notes = match_names(chroms, ends, chrom_alias)
        self.intervals: dict[str, tuple[Intervals, ...]] = {
            flag: tuple(
                read[os.fspath(path)].placed(chroms, chrom_ids[os.fspath(path)]) for path in paths
            )
            for flag, paths in beds.items()
        }
        given = {"fasta": [os.fspath(fasta)]} | {
            flag: [os.fspath(path) for path in paths] for flag, paths in beds.items() if paths
        }
        entries = {os.fspath(fasta): (self.genome.sha256, len(chroms))}
        entries |= {path: (bed.sha256, len(bed.lines)) for path, bed in read.items()}
        if chrom_alias not in ALIASES:
            given["chrom_alias"] = [chrom_alias]
            entries[chrom_alias] = _sha256_and_lines(chrom_alias)
        self.paths_by_split = given
        self.flags = {
            "files": file_names(given),
            "chrom_alias": None if "chrom_alias" in given else chrom_alias,
        }
        self.paths: tuple[str, ...] = ()
        self.inputs: tuple[dict, ...] = ()
        self._enter(entries)
        self.details: dict[str, tuple[Chrom, ...] | str] = {
            "chroms": chroms,
            "genome_sha256": self.genome.sha256,
        }

    def add(self, flag: str, paths: Paths, num_rows_of: Mapping[str, int]) -> None:
        """Takes in files that hold no intervals.

        Args:
            flag: Names `paths`.
            paths: Files of the flag.
            num_rows_of: Rows of each of them, and of the files that they name.
        """
        named = {flag: [os.fspath(path) for path in paths]}
        self.paths_by_split |= named
        self.flags["files"] |= file_names(named)
        self._enter(
            {path: (file_sha256(local_copy(path)), rows) for path, rows in num_rows_of.items()}
        )

    def _enter(self, entries: Mapping[str, tuple[str, int]]) -> None:
        """Lists files: of each path its sha256 and number of rows."""
        self.paths += tuple(entries)
        self.inputs += tuple(
            {"file": os.path.basename(path), "sha256": sha256, "num_rows": num_rows}
            for path, (sha256, num_rows) in entries.items()
        )

    def all(self, flag: str) -> Intervals:
        """Returns the intervals of all files of a flag; none, if there is no file."""
        return intervals.concatenate([Intervals([], [], []), *self.intervals[flag]])


def _sha256_and_lines(path: str) -> tuple[str, int]:
    text = TextFile(path)
    num_lines = sum(1 for _ in text.lines())
    return text.sha256, num_lines
