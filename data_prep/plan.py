"""The plan of a build: which row goes where. An array of row numbers, and the shards' ranges of it.

Within a split the rows stand in a random order, the same for a seed, so that a table sorted by its
labels cannot spoil shuffling. No table is sorted for it, and memory does not grow with the rows.
"""

import hashlib
import json
import math
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.scratch import Scratch
from tfrecords import sampling
from tfrecords.manifest import SPLITS
from tfrecords.schema import Schema
from tfrecords.writer import shard_file

_SHARD_BYTES = 64 << 20
_BLOCK = 1 << 16
_TRAIN = SPLITS.index("train")


@dataclass(frozen=True)
class PlannedShard:
    """A shard to be written: a file of a split, from a range of the order."""

    file: str
    split: str
    start: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """Rows in their final order, and how it is cut into shards.

    Attributes:
        order: A column `order` of row numbers, int64; `~row` stands for the opposite strand.
        shards: All shards, split by split.
        compression: Of their files: `none` or `gzip`.
        strand_pairs: How tasks change places on the opposite strand; see `strands.turn`.
        cut_sites: Tasks that count cuts between bases; see `strands.turn`.
        digest: Hash of all that decides the bytes of the shards.
    """

    order: Scratch
    shards: tuple[PlannedShard, ...]
    compression: str
    strand_pairs: tuple[int, ...] | None
    cut_sites: tuple[int, ...]
    digest: str

    @property
    def num_examples(self) -> int:
        """Examples of all shards."""
        return sum(shard.stop - shard.start for shard in self.shards)


def make_plan(
    folder: pathlib.Path,
    *,
    name: str,
    schema: Schema,
    scratch: Scratch,
    split: np.ndarray,
    seed: int,
    stores_both_strands: bool,
    num_shards: int | None,
    identity: Sequence[str],
    compression: str = "none",
    strand_pairs: Sequence[int] | None = None,
    cut_sites: Sequence[int] = (),
) -> Plan:
    """Plans the shards of the rows in `scratch`, and writes their order into `folder`.

    Args:
        folder: For the order.
        name: Of the dataset, with which the names of the shards begin.
        schema: Of the records.
        scratch: The rows.
        split: int8 `[N]`, the split of every row; negative: left out.
        seed: Of the order.
        stores_both_strands: Write every training row twice, once for each strand.
        num_shards: Of the largest split; the other splits get shards of the same size. Default:
            shards of at most 64 MB.
        identity: Columns of `scratch` that tell all values of `sequence` apart, for the digest.
        compression: Of the shards.
        strand_pairs: See `Plan`.
        cut_sites: See `Plan`.
    """
    order = Scratch(folder, {"order": ("int64", ())})
    sizes = np.bincount(split[split >= 0], minlength=len(SPLITS))
    sizes[_TRAIN] *= 1 + stores_both_strands
    order.write(
        {"order": rows}
        for code in np.flatnonzero(sizes)
        for rows in _ordered(np.flatnonzero(split == code), int(sizes[code]), seed)
    )
    rows_per_shard = max(1, _SHARD_BYTES // schema.stride)
    if num_shards is not None:
        rows_per_shard = math.ceil(sizes.max() / num_shards)
    shards = tuple(_cut(name, sizes, rows_per_shard))
    pairs = None if strand_pairs is None else tuple(strand_pairs)
    turned = [pairs, tuple(cut_sites)]
    content = [name, compression, schema.to_json(), [vars(shard) for shard in shards], turned]
    stored = [name for name in schema.names if name in scratch.columns and name != "sequence"]
    hashes = [scratch.sha256(*stored, *identity), order.sha256("order")]
    digest = hashlib.sha256(json.dumps([content, hashes], sort_keys=True).encode()).hexdigest()
    return Plan(order, shards, compression, *turned, digest)


def _ordered(rows: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """Yields a split's rows in random order, on both strands if `size` is twice their number."""
    for start in range(0, size, _BLOCK):
        positions = np.arange(start, min(size, start + _BLOCK))
        positions = sampling.permute(positions, size, seed=seed, epoch=0)
        chosen = rows[positions % len(rows)]
        yield np.where(positions < len(rows), chosen, ~chosen)


def _cut(name: str, sizes: np.ndarray, rows_per_shard: int) -> Iterator[PlannedShard]:
    first = 0
    for code in np.flatnonzero(sizes):
        size = int(sizes[code])
        count = math.ceil(size / rows_per_shard)
        for index in range(count):
            file = shard_file(name, SPLITS[code], index, count)
            start, stop = size * index // count, size * (index + 1) // count
            yield PlannedShard(file, SPLITS[code], first + start, first + stop)
        first += size
