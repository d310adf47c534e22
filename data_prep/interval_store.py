"""Builds whose records are intervals: `sequence` and `repeat` are cut out of the packed genome.

So neither the columns on disk nor the shards hold any base; the dataset holds the genome, once.
"""

import json
import pathlib
import shutil
from dataclasses import dataclass

import numpy as np

from data_prep.scratch import Column, Scratch
from data_prep.source import Source
from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.manifest import GENOME, GenomeFile
from tfrecords.packed_genome import BASES, INDEX, SOFTMASK, PackedGenome
from tfrecords.schema import Schema

_PLACE = ("chrom_id", "start", "strand")


class CutSequences:
    """The column `sequence` of rows of which only the places are on disk."""

    def __init__(self, scratch: "IntervalScratch"):
        self._places = {name: scratch.read(name) for name in _PLACE}
        self._genome, self._shift_bp = scratch.genome, scratch.shift_bp
        self._schema = scratch.schema.without("repeat")

    def __len__(self) -> int:
        return len(self._places["start"])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        places = {name: column[rows] for name, column in self._places.items()}
        return self._genome.fields(self._schema, **places, shift_bp=self._shift_bp)["sequence"]


@dataclass(frozen=True)
class IntervalScratch(Scratch):
    """Columns on disk, without those that are cut out of a genome.

    Attributes:
        genome: The genome.
        schema: The fields of the source.
        shift_bp: Bases stored on either side of a window.
    """

    genome: PackedGenome
    schema: Schema
    shift_bp: int

    def __reduce__(self):
        # Shards hold no base, so workers, on whatever machine, need not see the genome.
        return Scratch, (self.folder, self.columns)

    def read(self, name: str) -> Column | CutSequences:
        """Opens a column."""
        return CutSequences(self) if name == "sequence" else super().read(name)


def check(source: Source) -> None:
    """Raises an InputError unless all rows of a source have their place in a genome."""
    if "chroms" not in source.details:
        raise InputError(
            "--store=intervals is for windows of a genome; these rows have no place in one"
        )


def check_strands(scratch: Scratch) -> None:
    """Raises an InputError if rows have no strand, so that both of one would look alike."""
    if (scratch.read("strand")[:] == 0).any():
        raise InputError(
            "--store=intervals with --reverse_complement=store: some windows have no strand, so "
            "their records could not say which one they are; use --reverse_complement=online"
        )


def copy_genome(
    genome: PackedGenome, folder: pathlib.Path, schema: Schema
) -> tuple[GenomeFile, ...]:
    """Copies what readers need of a packed genome into the folder of a dataset.

    Args:
        genome: The genome.
        folder: Of the dataset.
        schema: Of its records; only those with `repeat` need to know which letters are small.

    Returns:
        The files.
    """
    copy = folder / GENOME
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    index = json.loads((genome.folder / INDEX).read_text())
    needed = (BASES, SOFTMASK) if "repeat" in schema else (BASES,)
    sizes = {name: index["num_bytes"][name] for name in needed}
    for name in sizes:
        shutil.copyfile(genome.folder / f"{name}.bin", copy / f"{name}.bin")
    (copy / INDEX).write_text(json.dumps(index | {"num_bytes": sizes}))
    paths = sorted(copy.iterdir())
    return tuple(GenomeFile(path.name, path.stat().st_size, file_sha256(path)) for path in paths)
