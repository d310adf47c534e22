"""Writes shards: whole columns in, framed and checksummed records out.

Rows are filled into one byte matrix, block by block, so memory does not grow with the data. A shard
appears under its name when it is complete, or not at all.
"""

import contextlib
import gzip
import hashlib
import io
import os
import pathlib
from collections.abc import Mapping
from types import TracebackType

import numpy as np

from tfrecords.errors import InputError, suggest
from tfrecords.files import replacing
from tfrecords.manifest import COMPRESSIONS, Shard, one_of
from tfrecords.schema import Feature, Schema, describe

_BLOCK_BYTES = 2 << 20
_GZIP_LEVEL = 6


def shard_file(name: str, split: str, index: int, count: int) -> str:
    """Returns the name of a shard, as TFDS names them: `tf0-train.tfrecord-00000-of-00016`."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


class ShardWriter:
    """Writes one shard; a context manager, after which `shard` describes the file.

    ```
    with ShardWriter(path, schema) as writer:
        for columns in batches:
            writer.write(columns)
    print(writer.shard.sha256)
    ```

    With `compression="gzip"` the file is an ordinary GZIP TFRecord file, for archiving: a `Dataset`
    expands it before it reads it. If anything fails inside the block, nothing is left on disk.
    """

    def __init__(self, path: str | os.PathLike, schema: Schema, compression: str = "none"):
        one_of("compression", compression, COMPRESSIONS)
        self._compression = compression
        self._path = pathlib.Path(path)
        self._schema = schema
        self._block = np.tile(schema.template, (max(1, _BLOCK_BYTES // schema.stride), 1))
        self._num_examples = 0
        self.shard: Shard | None = None

    def __enter__(self) -> "ShardWriter":
        with contextlib.ExitStack() as stack:
            partial = stack.enter_context(replacing(self._path))
            self._file = stack.enter_context(_HashedFile(partial))
            self._records = self._file
            if self._compression == "gzip":
                # No name and no time in the header: the same records give the same bytes.
                zipped = gzip.GzipFile("", "wb", _GZIP_LEVEL, self._file, mtime=0)
                self._records = stack.enter_context(zipped)
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.__exit__(kind, error, traceback)
        if error is None:
            self.shard = Shard(
                self._path.name,
                self._num_examples,
                self._file.num_bytes,
                self._file.sha256.hexdigest(),
            )

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        """Appends rows: for every field of the schema an array `[N, *shape]` of its type.

        Raises:
            InputError: A column is missing, unknown, of another type, shape or length, or holds
                what a reader could not use: a number that is not finite, bits behind the last base.
        """
        columns = {name: np.asarray(values) for name, values in columns.items()}
        num_rows = self._check(columns)
        for start in range(0, num_rows, len(self._block)):
            self._write_block(columns, start, min(num_rows, start + len(self._block)))

    def _write_block(self, columns: Mapping[str, np.ndarray], start: int, stop: int) -> None:
        records = self._block[: stop - start]
        for feature in self._schema.features:
            values = np.ascontiguousarray(columns[feature.name][start:stop], feature.stored)
            values = values.reshape(stop - start, -1).view(np.uint8)
            records[:, self._schema.columns[feature.name]] = values
        self._schema.layout.stamp(records)
        self._records.write(memoryview(records).cast("B"))
        self._num_examples += stop - start

    def _check(self, columns: Mapping[str, np.ndarray]) -> int:
        names = self._schema.names
        for name in names:
            if name not in columns:
                raise InputError(f"column {name!r} is missing, the schema has {', '.join(names)}")
        for name in columns:
            if name not in names:
                raise InputError(f"column {name!r} is not in the schema.{suggest(name, names)}")
        for feature in self._schema.features:
            self._check_column(feature, columns[feature.name])
        lengths = {name: len(columns[name]) for name in names}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise InputError(f"columns of unequal length: {shown}")
        return lengths[names[0]]

    def _check_column(self, feature: Feature, values: np.ndarray) -> None:
        if values.ndim == 0:
            raise InputError(f"{feature.name}: got one value, expected a column of values")
        if values.dtype != feature.stored or values.shape[1:] != feature.shape:
            got = describe(values.dtype, values.shape[1:])
            raise InputError(f"{feature.name}: got {got}, schema wants {feature}")
        # A track says with NaN which bins are missing; it has no weight of their own.
        is_wrong = np.isinf if feature.is_track else _is_not_finite
        if feature.stored.kind == "f" and is_wrong(values).any():
            row = np.argwhere(is_wrong(values))[0][0]
            raise InputError(
                f"{feature.name}: row {self._num_examples + row} holds {values[row]}, expected"
                " finite numbers; a missing target is stored as 0 with weight 0"
            )
        if (feature.bases or 0) % 2 and (values[:, -1] & 15).any():
            row = np.flatnonzero(values[:, -1] & 15)[0]
            raise InputError(
                f"{feature.name}: row {self._num_examples + row} has bits behind its last base"
                f" ({feature.bases} bases); pack it with sequence.encode"
            )


def _is_not_finite(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values)


class _HashedFile(io.RawIOBase):
    """A new file whose bytes are counted and hashed as they are written."""

    def __init__(self, path: pathlib.Path):
        self._raw = path.open("wb", buffering=0)
        self.num_bytes = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes | memoryview) -> int:
        """Writes all of `content`."""
        rest = memoryview(content)
        self.num_bytes += len(rest)
        self.sha256.update(rest)
        while rest:
            rest = rest[self._raw.write(rest) :]
        return len(content)

    def close(self) -> None:
        self._raw.close()
        super().close()
