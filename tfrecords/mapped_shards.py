"""The shards of a split as one array of records, memory-mapped and verified on first use."""

import mmap
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfrecords import open_files
from tfrecords.errors import InputError
from tfrecords.manifest import Shard
from tfrecords.schema import Schema

# Touched pages of a mapped file count as resident memory. Splits larger than _KEEP_BYTES give them
# back after every piece, so that memory stays flat; that costs a page fault per 64 kB touched.
_KEEP_BYTES = 64 << 20
_PIECE_BYTES = 32 << 20


class MappedShards:
    """Random access to the records of several shards, rows counted through all of them.

    Every record is checked, byte for byte, when it is first read; a byte per record remembers it.
    """

    def __init__(
        self,
        data_dir: pathlib.Path,
        shards: Sequence[Shard],
        schema: Schema,
        remedy: str = "copy the shard again or rebuild the dataset",
    ):
        self._schema, self._remedy = schema, remedy
        self.files = tuple(data_dir / shard.file for shard in shards)
        for path, shard in zip(self.files, shards, strict=True):
            _check_size(path, shard, schema.stride, remedy)
        open_files.make_room(len(shards))
        self._first_rows = np.cumsum([0, *(shard.num_examples for shard in shards)])
        self.num_examples = int(self._first_rows[-1])
        self._pieces = self._cut(schema.stride)
        self._piece_rows = np.array([piece.first_row for piece in self._pieces], np.int64)
        self._keeps_pages = self.num_examples * schema.stride <= _KEEP_BYTES
        self._is_verified = np.zeros(self.num_examples, bool)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the fields of the records at these rows: `[N, *shape]` for every name.

        Raises:
            InputError: A record is damaged; names the shard and the record.
        """
        # In the order of the files, so that no page is touched twice; 16 bits sort in linear time.
        piece_of_row = np.searchsorted(self._piece_rows, rows, side="right") - 1
        piece_of_row = piece_of_row.astype(np.min_scalar_type(len(self._pieces)))
        order = np.argsort(piece_of_row, kind="stable")
        counts = np.bincount(piece_of_row, minlength=len(self._pieces))
        columns = self._read_in_order(rows[order], counts)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return fields(columns, place, self._schema)

    def read_ahead(self, stretches: Iterable[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """Yields what `read` gives for each stretch of rows."""
        return map(self.read, stretches)

    def _read_in_order(self, rows: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the bytes of the fields, uint8 `[N, bytes]`, of rows sorted by their piece."""
        columns = {
            feature.name: np.empty((len(rows), feature.num_bytes), np.uint8)
            for feature in self._schema.features
        }
        stop = 0
        for piece, count in zip(self._pieces, counts, strict=True):
            start, stop = stop, stop + count
            if count:
                wanted = rows[start:stop]
                self._check_is_whole(piece)
                records = piece.records.take(wanted - piece.first_row, axis=0, mode="clip")
                if not self._keeps_pages:
                    piece.drop_pages()
                self._verify(records, wanted)
                for name, values in columns.items():
                    values[start:stop] = records[:, self._schema.columns[name]]
        return columns

    def _check_is_whole(self, piece: "_Piece") -> None:
        """Raises if the file was cut short: the kernel kills a process that reads behind its end.

        One that was removed, or replaced by another under its name, stays as it was.
        """
        size, needed = piece.mapped.size(), piece.bytes_in_file[1]
        if size < needed:
            shard = np.searchsorted(self._first_rows, piece.first_row, side="right") - 1
            raise InputError(
                f"{self.files[shard]}: was cut short while it was read, to {size} bytes of "
                f"{len(piece.mapped)}; {self._remedy}"
            )

    def _verify(self, records: np.ndarray, rows: np.ndarray) -> None:
        is_unseen = ~self._is_verified[rows]
        if not is_unseen.any():
            return
        if not is_unseen.all():
            records, rows = records[is_unseen], rows[is_unseen]
        damaged = self._schema.layout.damaged(records)
        if damaged.size:
            row = rows[damaged[0]]
            shard = np.searchsorted(self._first_rows, row, side="right") - 1
            raise InputError(
                f"{self.files[shard]}: record {row - self._first_rows[shard]} is damaged (its "
                f"checksum or its frame is wrong); {self._remedy}"
            )
        self._is_verified[rows] = True

    def _cut(self, stride: int) -> list["_Piece"]:
        """Maps the shards and cuts each into pieces."""
        step = max(1, _PIECE_BYTES // stride)
        pieces = []
        for path, first_row, end_row in zip(
            self.files, self._first_rows[:-1], self._first_rows[1:], strict=True
        ):
            if first_row == end_row:
                continue  # An empty file cannot be mapped.
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            records = np.frombuffer(mapped, np.uint8).reshape(-1, stride)
            for start in range(0, len(records), step):
                stop = min(start + step, len(records))
                pages = (start * stride, stop * stride)
                pieces.append(_Piece(int(first_row) + start, records[start:stop], mapped, pages))
        return pieces


@dataclass(frozen=True)
class _Piece:
    first_row: int
    records: np.ndarray
    mapped: mmap.mmap
    bytes_in_file: tuple[int, int]

    def drop_pages(self) -> None:
        start, stop = self.bytes_in_file
        start -= start % mmap.PAGESIZE
        self.mapped.madvise(mmap.MADV_DONTNEED, start, stop - start)


def fields(
    columns: Mapping[str, np.ndarray], place: np.ndarray, schema: Schema
) -> dict[str, np.ndarray]:
    """Returns the fields, `[N, *shape]`, of records `place` `[N]` from their bytes by field."""
    return {
        feature.name: columns[feature.name]
        .take(place, axis=0, mode="clip")
        .view(feature.stored)
        .reshape(-1, *feature.shape)
        for feature in schema.features
    }


def check_manifest(path: object, shard: Shard, stride: int) -> None:
    """Raises an InputError unless the size of a shard is that of its records, by the manifest."""
    if shard.num_bytes != shard.num_examples * stride:
        raise InputError(
            f"{path}: the manifest gives {shard.num_examples} records in {shard.num_bytes} bytes, "
            f"but records of its schema take {stride} bytes; rebuild the dataset"
        )


def _check_size(path: pathlib.Path, shard: Shard, stride: int, remedy: str) -> None:
    if not path.is_file():
        raise InputError(f"{path}: this shard is missing; {remedy}")
    check_manifest(path, shard, stride)
    size, expected = path.stat().st_size, shard.num_bytes
    if size < expected:
        raise InputError(
            f"{path}: truncated in record {size // stride}, it has {size} bytes of {expected}; "
            f"{remedy}"
        )
    if size > expected:
        raise InputError(
            f"{path}: has {size} bytes, {shard.num_examples} records of {stride} bytes are "
            f"{expected}; {remedy}"
        )
