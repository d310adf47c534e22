"""The shards of a split read over a network as they are needed, for datasets larger than the disk.

Rows that are known ahead (`read_ahead`) are asked for ahead, by several threads, and never more of
them than fit into a fixed amount of memory. Rows that are neighbours, or nearly so, come with one
request: runs of rows (`shuffle_block`) are what makes requests few. Within an epoch no row is asked
for twice, so nothing is kept for later.
"""

import itertools
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from tfrecords import mirror
from tfrecords.daemon_pool import DaemonPool
from tfrecords.errors import InputError
from tfrecords.manifest import Shard
from tfrecords.mapped_shards import check_manifest, fields
from tfrecords.remote_path import RemotePath
from tfrecords.schema import Schema

_THREADS = 16
# Of what was asked for and not yet given; a stretch may be as small as a batch.
_AHEAD_BYTES, _AHEAD_STRETCHES = 64 << 20, 32
_REQUEST_BYTES = 4 << 20
_GAP_BYTES = 16 << 10  # So many bytes come sooner than the answer to one more request.


class StreamedShards:
    """Random access to the records of several shards at a URL, rows counted through all of them.

    Has the interface of `MappedShards`. Every record is checked, byte for byte, whenever it comes.
    """

    def __init__(self, folder: RemotePath, shards: Sequence[Shard], schema: Schema):
        self._schema = schema
        self.files = tuple(folder / shard.file for shard in shards)
        for path, shard in zip(self.files, shards, strict=True):
            check_manifest(path, shard, schema.stride)
        mirror.check_sizes(folder, shards)
        self._first_rows = np.cumsum([0, *(shard.num_examples for shard in shards)])
        self.num_examples = int(self._first_rows[-1])
        self._pool = DaemonPool(_THREADS)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the fields of the records at these rows: `[N, *shape]` for every name.

        Raises:
            InputError: A record is damaged, or the network kept failing.
        """
        return next(self.read_ahead([rows]))

    def read_ahead(self, stretches: Iterable[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """Yields what `read` gives for each stretch of rows, asking ahead for those that follow."""
        asked: deque[_Asked] = deque()
        cancelled, num_bytes = threading.Event(), 0
        try:
            for rows in stretches:
                size = len(rows) * self._schema.stride
                while len(asked) == _AHEAD_STRETCHES or asked and num_bytes + size > _AHEAD_BYTES:
                    num_bytes -= asked[0].num_bytes
                    yield self._answer(asked.popleft())
                asked.append(self._ask(rows, cancelled))
                num_bytes += size
            while asked:
                yield self._answer(asked.popleft())
        finally:
            cancelled.set()
            for future in (future for ask in asked for future in ask.futures):
                future.cancel()

    def _ask(self, rows: np.ndarray, cancelled: threading.Event) -> "_Asked":
        """Has the records of some rows fetched, and returns where they will be."""
        stride = self._schema.stride
        sorted_rows, place = np.unique(rows, return_inverse=True)
        records = np.empty((len(sorted_rows), stride), np.uint8)
        shards = np.searchsorted(self._first_rows, sorted_rows, side="right") - 1
        starts = _request_starts(sorted_rows, shards, stride)
        futures = [
            self._pool.submit(
                self._fetch, shards[start], sorted_rows[start:stop], records[start:stop], cancelled
            )
            for start, stop in itertools.pairwise([*starts, len(sorted_rows)])
        ]
        return _Asked(records, place, futures, len(rows) * stride)

    def _fetch(
        self, shard: int, rows: np.ndarray, records: np.ndarray, cancelled: threading.Event
    ) -> None:
        """Fills `records`, uint8 `[N, stride]`, with those of ascending rows of one shard."""
        if cancelled.is_set():
            return
        stride, rows = self._schema.stride, rows - self._first_rows[shard]
        first, last = int(rows[0]), int(rows[-1])
        read = self.files[shard].read_range(
            first * stride, (last + 1) * stride, cancelled=cancelled
        )
        np.take(np.frombuffer(read, np.uint8).reshape(-1, stride), rows - first, 0, out=records)
        damaged = self._schema.layout.damaged(records)
        if damaged.size:
            raise InputError(
                f"{self.files[shard]}: record {rows[damaged[0]]} is damaged (its checksum or its "
                f"frame is wrong); {mirror.REMEDY}"
            )

    def _answer(self, asked: "_Asked") -> dict[str, np.ndarray]:
        for future in asked.futures:
            future.result()
        columns = {name: asked.records[:, where] for name, where in self._schema.columns.items()}
        return fields(columns, asked.place, self._schema)


@dataclass(frozen=True)
class _Asked:
    """Records that are under way: row `place[i]` of `records` is the i-th that was asked for."""

    records: np.ndarray
    place: np.ndarray
    futures: list[Future]
    num_bytes: int


def _request_starts(rows: np.ndarray, shards: np.ndarray, stride: int) -> np.ndarray:
    """Returns where in these ascending rows a new request begins, the first one included.

    It does at a new shard, after a long gap, and where a request would grow too long.
    """
    if not len(rows):
        return np.zeros(0, int)
    is_start = np.diff(shards, prepend=-1) > 0
    is_start[1:] |= (np.diff(rows) - 1) * stride > _GAP_BYTES
    runs = np.flatnonzero(is_start)
    first_rows = np.repeat(rows[runs], np.diff(runs, append=len(rows)))
    parts = (rows - first_rows) // max(1, _REQUEST_BYTES // stride)
    is_start[1:] |= np.diff(parts) > 0
    return np.flatnonzero(is_start)
