"""Columns of a build on disk: written as the rows come, then read again in any order.

Plain files of raw arrays, one per column. Only the rows at hand are in memory: rows from all over a
file are read piece by piece, and the pages of each piece, which would count as ours, given back.
"""

import contextlib
import hashlib
import itertools
import math
import mmap
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tfrecords.files import file_sha256

_PIECE_BYTES = 16 << 20


class Column:
    """An array on disk, `[N, *shape]`: `column[start:stop]` and `column[rows]` read from it."""

    def __init__(self, path: pathlib.Path, dtype: str, shape: tuple[int, ...] = ()):
        self._path, self._dtype, self._shape = path, np.dtype(dtype), shape
        self._row_bytes = self._dtype.itemsize * math.prod(shape)
        self._num_rows = path.stat().st_size // self._row_bytes
        self._mapped: mmap.mmap | None = None

    def __len__(self) -> int:
        return self._num_rows

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return self._slice(rows) if isinstance(rows, slice) else self._gather(rows)

    def _slice(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self._num_rows)
        values = np.fromfile(
            self._path,
            self._dtype,
            count=max(0, stop - start) * math.prod(self._shape),
            offset=start * self._row_bytes,
        )
        return values.reshape(-1, *self._shape)

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        if self._mapped is None:
            with self._path.open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        whole = np.frombuffer(self._mapped, self._dtype).reshape(-1, *self._shape)
        values = np.empty((len(rows), *self._shape), self._dtype)
        order = np.argsort(rows)
        ordered = rows[order]
        step = max(1, _PIECE_BYTES // self._row_bytes)
        starts = np.arange(0, self._num_rows, step)
        places = np.searchsorted(ordered, np.append(starts, self._num_rows))
        for first, last in itertools.pairwise(places.tolist()):
            if first < last:
                values[order[first:last]] = whole[ordered[first:last]]
                self._mapped.madvise(mmap.MADV_DONTNEED)
        return values


@dataclass(frozen=True)
class Scratch:
    """A folder of columns.

    Attributes:
        folder: Where the files are; made when they are written.
        columns: Type and shape of one row of every column.
    """

    folder: pathlib.Path
    columns: dict[str, tuple[str, tuple[int, ...]]]

    def write(self, batches: Iterable[Mapping[str, np.ndarray]]) -> int:
        """Writes all columns anew, batch by batch, and returns the number of rows."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._write(batches, "wb")

    def append(self, batches: Iterable[Mapping[str, np.ndarray]]) -> int:
        """Writes rows behind those that are there, and returns their number.

        Columns opened before stay as long as they were, so the new rows may be made of them.
        """
        return self._write(batches, "ab")

    def _write(self, batches: Iterable[Mapping[str, np.ndarray]], mode: str) -> int:
        num_rows = 0
        with contextlib.ExitStack() as stack:
            files = {
                name: stack.enter_context(self._path(name).open(mode, buffering=0))
                for name in self.columns
            }
            for batch in batches:
                for name, (dtype, _) in self.columns.items():
                    _write_all(files[name], np.ascontiguousarray(batch[name], dtype))
                num_rows += len(batch[name])
        return num_rows

    def read(self, name: str) -> Column:
        """Opens a column."""
        return Column(self._path(name), *self.columns[name])

    def sha256(self, *names: str) -> str:
        """Returns a hash of these columns."""
        found = hashlib.sha256()
        for name in names:
            found.update(bytes.fromhex(file_sha256(self._path(name))))
        return found.hexdigest()

    def _path(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.bin"


def _write_all(file, values: np.ndarray) -> None:
    content = memoryview(values.reshape(-1).view(np.uint8))
    while content:
        content = content[file.write(content) :]
