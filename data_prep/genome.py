"""A genome, packed in the cache: what `tfrecords.packed_genome` reads, base counts and gaps.

Shapes: `N` intervals. Positions are 0-based, of the forward strand. The layout of the files is
described in `genome_packing`. All operations are NumPy on whole arrays.
"""

import os
import pathlib
import tempfile
from collections.abc import Callable

import numpy as np

from data_prep import genome_packing
from data_prep.genome_packing import BLOCK_BYTES
from data_prep.intervals import Intervals
from data_prep.text_file import TextFile
from tfrecords.cache import cache_root
from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.packed_genome import AMBIGUOUS, BASES, BLOCK_BP, GAPS, GC, PackedGenome, slices

# Keeps the first so many bases of a block and clears the others: uint8 [32, 16].
_FIRST_BASES = np.packbits(np.tri(BLOCK_BP, BLOCK_BP, -1, bool).repeat(4, axis=1), axis=1)

# A product with it sums the bytes of a block, five times as fast as sum().
_ONES = np.ones(BLOCK_BYTES, np.uint8)


def open_genome(
    fasta: str | os.PathLike,
    *,
    cache_dir: str | os.PathLike | None = None,
    log: Callable[[str], None] | None = None,
) -> "Genome":
    """Opens the genome in a FASTA file: plain, gzip or bgzip.

    The first time it is read into the cache, 1.4 bytes a base, in a folder
    named by the sha256 of the file. Killed on the way, it leaves a hidden folder there, which may
    be removed. Two processes that do so at once both come to the same end.

    Args:
        fasta: The file.
        cache_dir: Default: what GENOKERAS_CACHE names, or `~/.cache/genokeras`.
        log: Takes lines for the user about a genome that is not in the cache yet.

    Raises:
        InputError: There is no such file, or it is not the FASTA file of a genome.
    """
    path = TextFile(fasta).path
    sha256 = file_sha256(path)
    folder = cache_root(cache_dir) / f"genome-v{genome_packing.FORMAT}-{sha256}"
    if folder.is_dir():
        return Genome(folder)
    if log:
        log(f"Reading {path.name} once, into the cache {folder.parent}.")
    _pack(path, sha256, folder)
    genome = Genome(folder)
    if log:
        log(f"{path.name}: {len(genome.chroms)} chromosomes, {genome.num_bases:,} bp.")
    return genome


class Genome(PackedGenome):
    """A packed genome with what a build wants to know besides: counts of bases, and gaps."""

    @property
    def num_bases(self) -> int:
        """Bases of all chromosomes."""
        return int(self._lengths.sum())

    @property
    def gaps(self) -> Intervals:
        """The runs of N, as many as there are, in order."""
        rows = self._files[GAPS].reshape(-1, 3)
        return Intervals(*rows.T)

    def gc_count(self, chrom_id: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Returns how many bases of intervals are C or G, int64 `[N]`; past an end are none."""
        return self._count(GC, chrom_id, start, end)

    def ambiguous_count(
        self, chrom_id: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> np.ndarray:
        """Returns how many bases of intervals are N or another code of several, int64 `[N]`."""
        return self._count(AMBIGUOUS, chrom_id, start, end)

    def _count(
        self, name: str, chrom_id: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> np.ndarray:
        chrom_id, start = self._checked(chrom_id, start)
        return self._count_before(name, chrom_id, np.asarray(end)) - self._count_before(
            name, chrom_id, start
        )

    def _count_before(self, name: str, chrom_id: np.ndarray, position: np.ndarray) -> np.ndarray:
        position = np.clip(position, 0, self._lengths[chrom_id])
        block = position // BLOCK_BP
        at = self._first_byte[0, chrom_id] + block * BLOCK_BYTES
        rest = slices(self._files[BASES], at, BLOCK_BYTES)
        rest &= _FIRST_BASES[position % BLOCK_BP]
        counts = genome_packing.COUNT_IN_BYTE[name].take(rest) @ _ONES
        return self._files[name][self._first_block[chrom_id] + block].astype(np.int64) + counts


def _pack(fasta: pathlib.Path, sha256: str, folder: pathlib.Path) -> None:
    """Packs a genome into a folder of its own, and renames that when it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".genome-", dir=folder.parent) as scratch:
            partial = pathlib.Path(scratch, folder.name)
            partial.mkdir()
            genome_packing.pack(fasta, sha256, partial)
            try:
                partial.rename(folder)
            except OSError:
                # Another process was first: what it wrote is the same.
                if not folder.is_dir():
                    raise
    except PermissionError:
        raise InputError(
            f"{folder.parent}: permission denied to write there; give another folder for packed "
            "genomes, --cache_dir=FOLDER or GENOKERAS_CACHE"
        ) from None
    except OSError as error:
        error.filename = error.filename or str(folder.parent)
        raise
