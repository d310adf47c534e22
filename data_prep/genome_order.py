"""Windows in the order of the genome, a part of it at a time, whatever their order on disk is.

They are dealt out into files, a file for each part, so only the windows of a part are in memory.

Shapes: `N` windows of one length.
"""

import itertools
import pathlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.scratch import Column

_BLOCK = 1 << 18
_FAR = 1 << 62


@dataclass(frozen=True, eq=False)
class Part:
    """The windows that begin in a stretch of the genome, in order.

    Attributes:
        first: Where the stretch begins, as a place: all chromosomes lie on one line, too far apart
            for windows to share a base. Stretches are no shorter than a window.
        last: The place behind its last one.
        rows: Numbers of the windows, int64 `[N]`.
        places: Where they begin, int64 `[N]`, ascending.
    """

    first: int
    last: int
    rows: np.ndarray
    places: np.ndarray


def in_order(
    chrom_id: Column,
    start: Column,
    folder: pathlib.Path,
    *,
    length: int,
    split: np.ndarray | None = None,
) -> Iterator[Part]:
    """Yields all windows, one part of the genome after the other; together they are all of it.

    Args:
        chrom_id: Negative where a row has no place in the genome; such rows are in no part.
        start: First base of the window.
        folder: For 16 bytes a window; made here, and taken away again.
        length: Bases of a window.
        split: int8 `[N]`; rows of negative numbers are in no part either. Default: there are none.
    """
    line = _Line(chrom_id, start, length, split)
    cuts = line.cuts()
    shutil.rmtree(folder, ignore_errors=True)  # Of a build that was killed.
    folder.mkdir(parents=True)
    try:
        files = [folder / f"{number}.bin" for number in range(len(cuts) - 1)]
        for rows, places in line.blocks():
            _deal_out(rows, places, cuts, files)
        for file, (first, last) in zip(files, itertools.pairwise(cuts), strict=True):
            found = np.fromfile(file, np.int64) if file.exists() else np.zeros(0, np.int64)
            rows, places = found.reshape(-1, 2).T
            order = np.argsort(places, kind="stable")
            yield Part(first, last, rows[order], places[order])
    finally:
        shutil.rmtree(folder)


def clusters(
    chrom_id: Column, start: Column, folder: pathlib.Path, *, length: int
) -> tuple[np.ndarray, int]:
    """Returns the number of each window's cluster, int32 `[N]`, along the genome, and their count.

    Two windows are in one cluster if a chain of windows, each sharing a base with the next, leads
    from one to the other. Strands do not matter.

    Args:
        chrom_id: As all arguments those of `in_order`.
        start: See there.
        folder: See there.
        length: See there.
    """
    numbers = np.empty(len(start), np.int32)
    last_place, count = -_FAR, 0
    for part in in_order(chrom_id, start, folder, length=length):
        if part.places.size:
            is_first = np.diff(part.places, prepend=last_place) >= length
            numbers[part.rows] = count - 1 + np.cumsum(is_first)
            last_place, count = int(part.places[-1]), count + int(is_first.sum())
    return numbers, count


class _Line:
    """Where windows begin, as if all chromosomes lay on one line."""

    def __init__(self, chrom_id: Column, start: Column, length: int, split: np.ndarray | None):
        self._chrom_id, self._start, self._split, self._length = chrom_id, start, split, length
        self._blocks = [slice(at, at + _BLOCK) for at in range(0, len(start), _BLOCK)]
        furthest = max((int(start[block].max()) for block in self._blocks), default=0)
        self._span = furthest + 2 * length

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields rows and places of the windows that are in the genome and in a split."""
        for block in self._blocks:
            chroms = self._chrom_id[block]
            is_there = chroms >= 0
            if self._split is not None:
                is_there &= self._split[block] >= 0
            rows = np.flatnonzero(is_there)
            yield block.start + rows, chroms[rows] * np.int64(self._span) + self._start[block][rows]

    def cuts(self) -> list[int]:
        """Returns the ends of parts with about `_BLOCK` windows each, found from a sample."""
        sample = [places[:: len(self._blocks)] for _, places in self.blocks()]
        ordered = np.sort(np.concatenate([np.zeros(0, np.int64), *sample]))
        count = len(self._blocks) if ordered.size else 0
        cuts = [-_FAR]
        for number in range(1, count):
            cut = int(ordered[len(ordered) * number // count])
            if cut - cuts[-1] >= self._length:
                cuts.append(cut)
        return [*cuts, _FAR]


def _deal_out(
    rows: np.ndarray, places: np.ndarray, cuts: list[int], files: list[pathlib.Path]
) -> None:
    """Writes windows behind those that are in the files of their parts."""
    part = np.searchsorted(cuts, places, side="right") - 1
    order = np.argsort(part, kind="stable")
    pairs = np.stack([rows, places], axis=1)[order]
    numbers, starts = np.unique(part[order], return_index=True)
    for number, found in zip(numbers.tolist(), np.split(pairs, starts[1:]), strict=False):
        with files[number].open("ab") as file:
            file.write(np.ascontiguousarray(found))
