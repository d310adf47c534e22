"""A genome, packed in the cache and mapped into memory: windows, soft mask, base counts and gaps.

Shapes: `N` windows or intervals of `L` bases. Positions are 0-based, of the forward strand. The
layout of the files is described in `genome_packing`. All operations are NumPy on whole arrays.
"""

import json
import os
import pathlib
import tempfile
from collections.abc import Callable

import numpy as np

from data_prep import genome_packing
from data_prep.genome_packing import AMBIGUOUS, BASES, BLOCK_BP, BLOCK_BYTES, GAPS, GC, SOFTMASK
from data_prep.intervals import Intervals
from data_prep.text_file import TextFile
from tfrecords.cache import cache_root
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.sequence import packed_width

_TYPES = {BASES: "u1", SOFTMASK: "u1", GC: "<u4", AMBIGUOUS: "<u4", GAPS: "<i8"}
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

    The first time it is read into the cache, one byte a base and about two thirds more, in a folder
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


class Genome:
    """All chromosomes of a genome; `chrom_id` is a position in `chroms`.

    Pickled, it is the path of its folder, and is mapped into memory anew where it is unpickled.

    Attributes:
        folder: Where its files are.
        chroms: Name and length of each chromosome, in the order of the FASTA file.
        sha256: Of the FASTA file.

    Args:
        folder: A folder that `open_genome` made.

    Raises:
        InputError: A file in the folder is not as it was written.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder)
        index = json.loads((self.folder / genome_packing.INDEX).read_text())
        self.chroms = tuple(Chrom(**chrom) for chrom in index["chroms"])
        self.sha256 = index["sha256"]
        self._files = {
            name: self._map(name, num_bytes) for name, num_bytes in index["num_bytes"].items()
        }
        self._lengths = np.array([chrom.length for chrom in self.chroms], np.int64)
        even = _starts(self._lengths + 1)
        self._first_byte = np.stack([even, even + packed_width(self._lengths)])
        self._first_mask_byte = _starts(-(-self._lengths // 8))
        self._first_block = _starts(-(-self._lengths // BLOCK_BP) + 1)

    def __reduce__(self):
        return Genome, (self.folder,)

    @property
    def num_bases(self) -> int:
        """Bases of all chromosomes."""
        return int(self._lengths.sum())

    @property
    def gaps(self) -> Intervals:
        """The runs of N, as many as there are, in order."""
        rows = self._files[GAPS].reshape(-1, 3)
        return Intervals(*rows.T)

    def windows(self, chrom_id: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
        """Returns packed windows, forward strand, uint8 `[N, ceil(length/2)]`.

        Bases before or past the ends of a chromosome are padding; whether there may be such, the
        caller knows.

        Args:
            chrom_id: int `[N]`.
            start: First base of each window, int `[N]`.
            length: Bases of a window.
        """
        chrom_id, start = self._checked(chrom_id, start)
        # An odd start is in the first half of a byte in the odd phase.
        at = self._first_byte[start & 1, chrom_id] + (start + 1 >> 1)
        is_outside = self._is_outside(chrom_id, start, length)
        windows = _slices(self._files[BASES], at, packed_width(length), is_outside)
        if length % 2:
            windows[:, -1] &= 0xF0
        if is_outside.any():
            outside = self._is_known(chrom_id[is_outside], start[is_outside], length)
            windows[is_outside] &= np.packbits(outside.repeat(4, axis=1), axis=1)
        return windows

    def softmask(self, chrom_id: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
        """Returns one bit for every base of windows: small letters, as repeats are written, are 1.

        Arguments as of `windows`; uint8 `[N, ceil(length/8)]`, in the order of `np.packbits`. Bases
        past an end are 0.
        """
        chrom_id, start = self._checked(chrom_id, start)
        is_outside = self._is_outside(chrom_id, start, length)
        at = self._first_mask_byte[chrom_id] + (start >> 3)
        read = _slices(self._files[SOFTMASK], at, -(-length // 8) + 1, is_outside)
        shift = (start & 7).astype(np.uint8)[:, None]
        bits = read[:, :-1] << shift | read[:, 1:] >> 8 - shift
        bits[:, -1] &= 0xFF << -length % 8 & 0xFF
        if is_outside.any():
            known = self._is_known(chrom_id[is_outside], start[is_outside], length)
            bits[is_outside] &= np.packbits(known, axis=1)
        return bits

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
        rest = _slices(self._files[BASES], at, BLOCK_BYTES)
        rest &= _FIRST_BASES[position % BLOCK_BP]
        counts = genome_packing.COUNT_IN_BYTE[name].take(rest) @ _ONES
        return self._files[name][self._first_block[chrom_id] + block].astype(np.int64) + counts

    def _checked(self, chrom_id: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chrom_id, start = np.asarray(chrom_id), np.asarray(start, np.int64)
        if chrom_id.size and not 0 <= chrom_id.min() <= chrom_id.max() < len(self.chroms):
            raise ValueError(
                f"chrom_id from {chrom_id.min()} to {chrom_id.max()}, expected 0 to "
                f"{len(self.chroms) - 1}"
            )
        return chrom_id, start

    def _is_outside(self, chrom_id: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
        return (start < 0) | (start + length > self._lengths[chrom_id])

    def _is_known(self, chrom_id: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
        """Returns which bases of windows are within their chromosomes, bool `[N, length]`."""
        base = np.arange(length)
        left = self._lengths[chrom_id] - start
        return (base >= -start[:, None]) & (base < left[:, None])

    def _map(self, name: str, num_bytes: int) -> np.ndarray:
        path = self.folder / f"{name}.bin"
        if not path.is_file() or path.stat().st_size != num_bytes:
            raise InputError(
                f"{path} is not as it was written; remove the folder, and the genome is read again"
            )
        if not num_bytes:
            return np.empty(0, _TYPES[name])
        return np.asarray(np.memmap(path, _TYPES[name], mode="r"))


def _pack(fasta: pathlib.Path, sha256: str, folder: pathlib.Path) -> None:
    """Packs a genome into a folder of its own, and renames that when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
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
    except OSError as error:
        error.filename = error.filename or str(folder.parent)
        raise


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Returns where each of some pieces begins that lie one behind the other."""
    return np.cumsum(sizes) - sizes


def _slices(
    source: np.ndarray, at: np.ndarray, width: int, is_outside: np.ndarray | None = None
) -> np.ndarray:
    """Returns `width` bytes from each of `at`, uint8 `[N, width]`; of those outside, any bytes."""
    if is_outside is not None and is_outside.any():
        slices = np.empty((len(at), width), np.uint8)
        slices[~is_outside] = _slices(source, at[~is_outside], width)
        columns = at[is_outside, None] + np.arange(width)
        slices[is_outside] = source.take(columns, mode="clip")
        return slices
    if not len(at):
        return np.empty((0, width), np.uint8)
    return np.lib.stride_tricks.sliding_window_view(source, width)[at]
