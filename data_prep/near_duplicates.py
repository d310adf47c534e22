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
from data_prep.sequence_keys import Copies, find_copies, mix
from tfrecords import sequence
from tfrecords.manifest import SPLITS

MIN_JACCARD = 0.2
_NUM_BANDS = minhash.NUM_VALUES // 2
_PARTNERS = 4
_BLOCK_BASES = 1 << 22


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
        scratch.write(_signatures(sequences, length, shift_bp))
        rows = _Rows(scratch.read("values"), keys, split, found)
        for band in range(_NUM_BANDS):
            if bar:
                bar.update(1)
            for alike in find_copies(_BandKeys(scratch.read(_band(band))[:])):
                rows.compare(alike)
        if bar:
            bar.update(1)
    finally:
        if bar:
            bar.close()
    shutil.rmtree(folder)
    return found


class _BandKeys:
    """Two values of every signature, 4 bytes, as a well-mixed number made when it is needed."""

    def __init__(self, values: np.ndarray):
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return mix(self._values[rows].astype(np.uint64) + np.uint64(1))


def _band(number: int) -> str:
    return f"band_{number}"


def _signatures(sequences: Column, length: int, shift_bp: int) -> Iterator[dict[str, np.ndarray]]:
    step = max(1, _BLOCK_BASES // length)
    window = length - 2 * shift_bp
    for start in range(0, len(sequences), step):
        packed = sequence.crop(sequences[start : start + step], length, shift_bp, window)
        values = minhash.signatures(packed, window)
        bands = values.view(np.uint32)
        yield {"values": values} | {_band(band): bands[:, band] for band in range(_NUM_BANDS)}


@dataclass(frozen=True)
class _Rows:
    """All rows: their signatures, keys and splits, and what was `found` of them so far."""

    values: Column
    keys: Column
    split: np.ndarray
    found: np.ndarray

    def compare(self, alike: Copies) -> None:
        """Compares rows that agree in a band and are in different splits."""
        split = self.split[alike.rows]
        bits = np.where(split < 0, 0, 1 << np.maximum(split, 0))
        masks = np.bitwise_or.reduceat(bits, alike.starts)
        is_mixed = np.repeat(masks & (masks - 1) > 0, alike.sizes) & (bits > 0)
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
        a, b = self.values[first], self.values[second]
        is_near = (a == b).mean(axis=1) >= MIN_JACCARD
        is_near &= (a != minhash.NO_VALUE).any(axis=1)
        first, second = first[is_near], second[is_near]
        differ = self.keys[first] != self.keys[second]
        for one, other in ((first[differ], second[differ]), (second[differ], first[differ])):
            np.bitwise_or.at(self.found, one, (1 << self.split[other]).astype(np.uint8))
