"""Finds sequences of one split that are nearly those of another, on either strand.

Near duplicates are sequences whose sets of k-mers have an estimated Jaccard index of 0.2 or more
and that are no copies of one another (the audit counts those by themselves). So of copies with 5%
of their bases mutated 99 in 100 are found, with 10% a third, with 30% none. Homologous repeats are
near duplicates too, and so are windows that overlap by half. Not all pairs are compared: only
sequences that agree in two values of their signatures side by side (locality-sensitive hashing in
32 bands of two), and where these are many each with four of every other split at a time.

Shapes: `N` rows, `P` pairs of rows.
"""

import pathlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data_prep import minhash
from data_prep.scratch import Column, Scratch
from data_prep.sequence_keys import Copies
from tfrecords import sequence
from tfrecords.manifest import SPLITS

MIN_JACCARD = 0.2
_NUM_BANDS = minhash.NUM_VALUES // 2
_PARTNERS = 4
_BLOCK_BASES = 1 << 22
_BLOCK = 1 << 18
_RANGE_BITS = 20  # Of so many rows, as a power of two, at most are in memory at a time.


def find_near_duplicates(
    sequences: Column,
    keys: Column,
    split: np.ndarray,
    folder: pathlib.Path,
    *,
    length: int,
    shift_bp: int = 0,
    progress: Callable | None = None,
) -> np.ndarray:
    """Returns in which splits every row has a near duplicate: uint8 `[N]`, bit `i` for split `i`.

    Args:
        sequences: Packed sequences of `length` bases.
        keys: Equal for copies on either strand (`sequence_keys`).
        split: int8 `[N]`, positions in `SPLITS`; rows of negative numbers are in no split.
        folder: For signatures, 256 bytes a row; made here, and taken away again.
        length: Bases of a sequence.
        shift_bp: Of them, so many on either side of the window that is compared.
        progress: Makes a progress bar from a description and a total.
    """
    found = np.zeros(len(split), np.uint8)
    if np.count_nonzero(np.bincount(split[split >= 0], minlength=len(SPLITS))) < 2:
        return found
    columns = {_band(band): ("uint32", ()) for band in range(_NUM_BANDS)}
    scratch = Scratch(folder, columns | {"values": ("uint16", (minhash.NUM_VALUES,))})
    bar = progress("Comparing splits (steps)", 1 + _NUM_BANDS) if progress else None
    try:
        scratch.write(_columns(_signatures(sequences, slice(None), length, shift_bp)))
        rows = _Rows(scratch.read("values"), keys, split, found)
        for band in range(_NUM_BANDS):
            if bar:
                bar.update(1)
            for alike in _agreeing(scratch.read(_band(band)), split):
                rows.compare(alike)
        if bar:
            bar.update(1)
    finally:
        if bar:
            bar.close()
    shutil.rmtree(folder)
    return found


def is_near_duplicate(
    sequences: Column, keys: Column, *, length: int, shift_bp: int = 0
) -> Callable[[int, slice], np.ndarray]:
    """Returns what tells, of a row and a range of rows, which of these are near duplicates of it.

    The arguments are those of `find_near_duplicates`.
    """

    def is_alike(row: int, rows: slice) -> np.ndarray:
        own = slice(row, row + 1)
        (signature,) = _signatures(sequences, own, length, shift_bp)
        is_near = [_is_near(signature, x) for x in _signatures(sequences, rows, length, shift_bp)]
        return np.concatenate(is_near) & (keys[own] != keys[rows])

    return is_alike


def _is_near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns of pairs of signatures, uint16 `[P, 64]`, which are those of near duplicates."""
    is_near = (a == b).mean(axis=1) >= MIN_JACCARD
    return is_near & (a != minhash.NO_VALUE).any(axis=1)


def _band(number: int) -> str:
    return f"band_{number}"


def _signatures(sequences: Column, rows: slice, length: int, shift_bp: int) -> Iterator[np.ndarray]:
    """Yields the signatures of rows, uint16 `[N, 64]`, so many at a time as have some Mbp."""
    step, window = max(1, _BLOCK_BASES // length), length - 2 * shift_bp
    first, last, _ = rows.indices(len(sequences))
    for start in range(first, last, step):
        packed = sequences[start : min(last, start + step)]
        yield minhash.signatures(sequence.crop(packed, length, shift_bp, window), window)


def _columns(signatures: Iterator[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Yields signatures with their bands, two values in one number each, for columns on disk."""
    for values in signatures:
        bands = values.view(np.uint32)
        yield {"values": values} | {_band(band): bands[:, band] for band in range(_NUM_BANDS)}


def _agreeing(band: Column, split: np.ndarray) -> Iterator[Copies]:
    """Yields rows that agree in a band with one of another split, and few others.

    Only those of a range of values at a time. A table of sets of splits, of a hash of the values,
    tells most rows that nothing agrees with, so that these are not sorted.
    """
    range_bits = min(8, (max(1, len(split) - 1) >> _RANGE_BITS).bit_length())
    table_bits = min(_RANGE_BITS, len(split).bit_length()) + 2
    for number in range(1 << range_bits):
        table = np.zeros(1 << table_bits, np.uint8)
        for rows, _, places in _hashed(band, split, number, range_bits, table_bits):
            codes = split[rows]
            for code in range(len(SPLITS)):
                table[places[codes == code]] |= 1 << code
        found = [(np.zeros(0, np.int64), np.zeros(0, np.uint32))]
        for rows, values, places in _hashed(band, split, number, range_bits, table_bits):
            masks = table[places]
            is_mixed = masks & (masks - 1) > 0
            found.append((rows[is_mixed], values[is_mixed]))
        rows, values = map(np.concatenate, zip(*found, strict=True))
        if rows.size:
            order = np.argsort(values, kind="stable")
            is_first = np.diff(values[order], prepend=~values[order[0]]) != 0
            yield Copies(rows[order], np.flatnonzero(is_first))


def _hashed(
    band: Column, split: np.ndarray, number: int, range_bits: int, table_bits: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields rows with values in a range, their values, and their places in a table."""
    for start in range(0, len(split), _BLOCK):
        values = band[start : start + _BLOCK]
        hashes = values * np.uint32(0x9E3779B1)  # Knuth's multiplier; the upper bits are mixed.
        is_here = split[start : start + _BLOCK] >= 0
        if range_bits:
            is_here &= hashes >> np.uint32(32 - range_bits) == number
        rows = np.flatnonzero(is_here)
        places = hashes[rows] << np.uint32(range_bits) >> np.uint32(32 - table_bits)
        yield start + rows, values[rows], places


@dataclass(frozen=True)
class _Rows:
    """All rows: their signatures, keys and splits, and what was `found` of them so far."""

    values: Column
    keys: Column
    split: np.ndarray
    found: np.ndarray

    def compare(self, alike: Copies) -> None:
        """Compares rows that agree in a band, those of different splits with each other."""
        split = self.split[alike.rows]
        masks = np.bitwise_or.reduceat(1 << split, alike.starts)
        is_mixed = np.repeat(masks & (masks - 1) > 0, alike.sizes)
        if not is_mixed.any():
            return
        group = np.repeat(np.arange(len(alike.starts)), alike.sizes)[is_mixed]
        rows, split = alike.rows[is_mixed], split[is_mixed]
        # Those of a group and a split side by side, so that every row can count through the others;
        # by key, so that the order of the rows does not matter.
        place = group * len(SPLITS) + split
        order = np.lexsort((self.keys[rows], place))
        rows, split, group, place = rows[order], split[order], group[order], place[order]
        counts = np.bincount(place, minlength=len(alike.starts) * len(SPLITS))
        starts = np.cumsum(counts) - counts
        rank = np.arange(len(rows)) - starts[place]
        for turn in range(_PARTNERS):
            pairs = []
            for other in range(len(SPLITS)):
                is_open = (split != other) & (self.found[rows] >> other & 1 == 0)
                is_open &= turn < counts[group * len(SPLITS) + other]
                at = group[is_open] * len(SPLITS) + other
                partner = rows[starts[at] + (rank[is_open] + turn) % counts[at]]
                pairs.append(np.stack([rows[is_open], partner]))
            self._note(np.concatenate(pairs, axis=1))

    def _note(self, pairs: np.ndarray) -> None:
        """Notes which pairs of rows, `[2, P]`, are nearly alike."""
        pairs.sort(axis=0)
        each = np.unique(pairs[0] * len(self.split) + pairs[1])
        first, second = np.divmod(each, len(self.split))
        is_near = _is_near(*np.split(self.values[np.concatenate([first, second])], 2))
        first, second = first[is_near], second[is_near]
        differ = self.keys[first] != self.keys[second]
        for one, other in ((first[differ], second[differ]), (second[differ], first[differ])):
            np.bitwise_or.at(self.found, one, (1 << self.split[other]).astype(np.uint8))
