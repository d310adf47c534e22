"""A packed genome, mapped into memory: windows of its DNA, and which bases are small letters.

`bases.bin` holds every chromosome twice: packed from its first base on, and packed again half a
byte later, so that a window is a slice of bytes wherever it starts. A chromosome of `n` bases takes
`n + 1` bytes, `ceil(n/2)` of the even phase, then `n//2 + 1` of the odd one, which begins with half
a byte of padding:

    ACG    even: AC G-    odd: -A CG

`softmask.bin` has a bit for every base, set for small letters; `genome.json` names the chromosomes.
`data_prep.genome_packing` writes these files, and more that only builds read. Datasets of intervals
hold them in their folder `genome`.

Shapes: `N` windows of `L` bases. Positions are 0-based, of the forward strand.
"""

import json
import os
import pathlib

import numpy as np

from tfrecords import strands
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.schema import Schema
from tfrecords.sequence import packed_width

INDEX = "genome.json"
BASES, SOFTMASK, GC, AMBIGUOUS, GAPS = FILES = ("bases", "softmask", "gc", "ambiguous", "gaps")
BLOCK_BP = 32
_TYPES = {BASES: "u1", SOFTMASK: "u1", GC: "<u4", AMBIGUOUS: "<u4", GAPS: "<i8"}


class PackedGenome:
    """All chromosomes of a genome; `chrom_id` is a position in `chroms`.

    Pickled, it is the path of its folder, and is mapped into memory anew where it is unpickled.

    Attributes:
        folder: Where its files are.
        chroms: Name and length of each chromosome, in the order of the FASTA file.
        sha256: Of the FASTA file.

    Args:
        folder: A folder that `data_prep.genome.open_genome` made, or a copy of it.

    Raises:
        InputError: A file in the folder is not as it was written.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder)
        index = json.loads((self.folder / INDEX).read_text())
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
        return type(self), (self.folder,)

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
        windows = slices(self._files[BASES], at, packed_width(length), is_outside)
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
        read = slices(self._files[SOFTMASK], at, -(-length // 8) + 1, is_outside)
        shift = (start & 7).astype(np.uint8)[:, None]
        bits = read[:, :-1] << shift | read[:, 1:] >> 8 - shift
        bits[:, -1] &= 0xFF << -length % 8 & 0xFF
        if is_outside.any():
            known = self._is_known(chrom_id[is_outside], start[is_outside], length)
            bits[is_outside] &= np.packbits(known, axis=1)
        return bits

    def fields(
        self,
        schema: Schema,
        chrom_id: np.ndarray,
        start: np.ndarray,
        strand: np.ndarray,
        shift_bp: int = 0,
    ) -> dict[str, np.ndarray]:
        """Returns `sequence`, and `repeat` where the schema has it, of windows on their strands.

        Those on strand -1 are reverse-complemented.

        Args:
            schema: Says how long sequences are.
            chrom_id: int `[N]`.
            start: First base of each window, the bases stored beside it not counted, int `[N]`.
            strand: 1, -1, or 0 where it has none, int `[N]`.
            shift_bp: So many bases are stored on either side of a window.
        """
        start, length = start - shift_bp, schema["sequence"].bases
        fields = {"sequence": self.windows(chrom_id, start, length)}
        if "repeat" in schema:
            fields["repeat"] = self.softmask(chrom_id, start, length)
        strands.turn(fields, np.flatnonzero(strand == -1), schema, strand_pairs=None)
        return fields

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


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Returns where each of some pieces begins that lie one behind the other."""
    return np.cumsum(sizes) - sizes


def slices(
    source: np.ndarray, at: np.ndarray, width: int, is_outside: np.ndarray | None = None
) -> np.ndarray:
    """Returns `width` bytes from each of `at`, uint8 `[N, width]`; of those outside, any bytes."""
    if is_outside is not None and is_outside.any():
        found = np.empty((len(at), width), np.uint8)
        found[~is_outside] = slices(source, at[~is_outside], width)
        columns = at[is_outside, None] + np.arange(width)
        found[is_outside] = source.take(columns, mode="clip")
        return found
    if not len(at):
        return np.empty((0, width), np.uint8)
    return np.lib.stride_tricks.sliding_window_view(source, width)[at]
