"""Reads a dataset: any rows at random, training batches as a pure function, evaluation batches.

Batch `step` of `epoch` depends on the dataset, the seed and these two numbers, and on nothing else:
not on threads, hosts, restarts, or what was read before. So resuming is arithmetic, and host `h` of
`H` reads rows `h * B/H` to `(h + 1) * B/H` of the one global batch of `B` examples.
"""

import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tfrecords import cache, sampling, strands
from tfrecords.errors import InputError, suggest
from tfrecords.manifest import GENOME, Manifest
from tfrecords.mapped_shards import MappedShards
from tfrecords.packed_genome import PackedGenome
from tfrecords.schema import KEY, Schema

Batch = dict[str, np.ndarray]

_TURN = 4  # Salt of the coin that turns an example to its opposite strand.
_EVALUATION = {"seed": 0, "epoch": (1 << 32) - 1}
# Reading many batches at once is what makes it fast; this many examples, or bytes if they are long.
_AHEAD_EXAMPLES = 1 << 16
_AHEAD_BYTES = 16 << 20


class Dataset:
    """A dataset folder: its `manifest`, and its splits by name.

    GZIP shards are expanded into `cache_dir` when their split is opened (default: see `cache`).
    """

    def __init__(self, data_dir: str | os.PathLike, *, cache_dir: str | os.PathLike | None = None):
        self.data_dir = pathlib.Path(data_dir)
        self._cache_dir = cache_dir
        self.manifest = Manifest.load(self.data_dir)

    def split(self, name: str) -> "Split":
        """Opens a split.

        Raises:
            InputError: There is no such split, or a shard of it is missing or has a wrong size.
        """
        splits = self.manifest.splits
        if name not in splits:
            raise InputError(
                f"{self.data_dir}: no split {name!r}, there are {', '.join(splits)}."
                f"{suggest(name, splits)}"
            )
        return Split(self.data_dir, self.manifest, name, self._cache_dir)


class Split:
    """The examples of one split, `num_examples` rows in stored order."""

    def __init__(
        self,
        data_dir: pathlib.Path,
        manifest: Manifest,
        name: str,
        cache_dir: str | os.PathLike | None = None,
    ):
        self.name = name
        self._data_dir, self._manifest, self._cache_dir = data_dir, manifest, cache_dir
        if manifest.compression == "gzip":
            self._records = cache.open_expanded(data_dir, manifest, name, cache_dir)
        else:
            self._records = MappedShards(data_dir, manifest.splits[name], manifest.stored_schema)
        self._genome = _open_genome(data_dir, manifest) if manifest.genome_files else None

    def __reduce__(self):
        # Workers of another process map the files themselves.
        return type(self), (self._data_dir, self._manifest, self.name, self._cache_dir)

    @property
    def num_examples(self) -> int:
        """Number of rows."""
        return self._records.num_examples

    @property
    def schema(self) -> Schema:
        """The fields of an example."""
        return self._manifest.schema

    @property
    def files(self) -> tuple[pathlib.Path, ...]:
        """The shards, in the order of the rows; of GZIP shards the expanded ones."""
        return self._records.files

    def read(self, rows: np.ndarray) -> Batch:
        """Returns the fields of these rows, in this order: `[N, *shape]` for every name.

        Raises:
            InputError: A row is out of range, or a record is damaged.
        """
        rows = np.asarray(rows)
        if rows.size and rows.dtype.kind not in "iu":
            raise InputError(f"rows are {rows.dtype}, expected whole numbers")
        rows = rows.astype(np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.num_examples:
            raise InputError(
                f"rows {rows.min()} to {rows.max()} of split {self.name}, which has "
                f"{self.num_examples}"
            )
        records = self._records.read(rows)
        if self._genome is None:
            return records
        places = {name: records[name] for name in ("chrom_id", "start", "strand")}
        shift_bp = self._manifest.shift_bp
        return records | self._genome.fields(self.schema, **places, shift_bp=shift_bp)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Returns the number of whole batches; the few examples left over change by epoch."""
        if not 1 <= batch_size <= self.num_examples:
            raise InputError(
                f"batch_size={batch_size}, expected 1 to {self.num_examples}, the number of "
                f"examples of split {self.name}"
            )
        return self.num_examples // batch_size

    def train_batch(
        self,
        epoch: int,
        step: int,
        *,
        batch_size: int,
        seed: int,
        host: int = 0,
        num_hosts: int = 1,
        shuffle_block: int = 1,
        reverse_complement: bool | None = None,
    ) -> Batch:
        """Returns this host's part of one batch.

        Args:
            epoch: Number of the epoch, from 0.
            step: Number of the batch within the epoch, from 0.
            batch_size: Examples of the batch over all hosts.
            seed: Of the order, the keys and the strands.
            host: Number of this host, from 0.
            num_hosts: Number of hosts; divides `batch_size`.
            shuffle_block: Runs of so many stored records stay together (1: a perfect shuffle).
            reverse_complement: Whether each example is turned to its opposite strand with
                probability one half; None: as the manifest says.

        Returns:
            The fields of the schema, `key` uint32 `[B]`, and `weight` (ones if none is stored).
        """
        sampler = _Sampler(self, batch_size, seed, host, num_hosts, shuffle_block)
        rows = sampler.rows(epoch, step, 1)
        return self._train_examples(rows, epoch, seed, reverse_complement)

    def train_batches(
        self,
        start_step: int,
        *,
        batch_size: int,
        seed: int,
        host: int = 0,
        num_hosts: int = 1,
        shuffle_block: int = 1,
        reverse_complement: bool | None = None,
    ) -> Iterator[Batch]:
        """Returns what `train_batch` gives for global step `start_step` and all after it, for ever.

        Step `s` is batch `s % steps_per_epoch` of epoch `s // steps_per_epoch`. Many batches are
        read at once.
        """
        sampler = _Sampler(self, batch_size, seed, host, num_hosts, shuffle_block)
        return self._train_batches(start_step, sampler, reverse_complement)

    def _train_batches(
        self, start_step: int, sampler: "_Sampler", reverse_complement: bool | None
    ) -> Iterator[Batch]:
        size = sampler.host_batch_size
        ahead = min(_AHEAD_EXAMPLES, _AHEAD_BYTES // self.schema.stride)
        epoch, step = divmod(start_step, sampler.steps)
        while True:
            count = min(max(1, ahead // size), sampler.steps - step)
            rows = sampler.rows(epoch, step, count)
            examples = self._train_examples(rows, epoch, sampler.seed, reverse_complement)
            by_batch = (v.reshape(count, size, *v.shape[1:]) for v in examples.values())
            for batch in zip(*by_batch, strict=True):
                yield dict(zip(examples, batch, strict=True))
            epoch, step = (epoch, step + count) if step + count < sampler.steps else (epoch + 1, 0)

    def _train_examples(
        self, rows: np.ndarray, epoch: int, seed: int, reverse_complement: bool | None
    ) -> Batch:
        if reverse_complement is None:
            reverse_complement = self._manifest.reverse_complement == "online"
        keys = sampling.example_keys(rows, seed=seed, epoch=epoch)
        batch = self._with_key_and_weight(self.read(rows), keys)
        if reverse_complement and strands.has_dna(self.schema):
            turned = np.flatnonzero(sampling.coin(keys, _TURN))
            manifest = self._manifest
            strands.turn(batch, turned, self.schema, manifest.strand_pairs, manifest.cut_sites)
        return batch

    def _with_key_and_weight(self, batch: Batch, keys: np.ndarray) -> Batch:
        batch[KEY] = keys
        if "weight" not in batch:
            # One for each example and task, of tracks `[positions, T]` as well.
            tasks = batch["targets"].shape[1:][-1:] if "targets" in batch else ()
            batch["weight"] = np.ones((len(keys), *tasks), np.float32)
        return batch

    def eval_batches(
        self, batch_size: int, *, limit: int | None = None, host: int = 0, num_hosts: int = 1
    ) -> Iterator[Batch]:
        """Returns all examples, or the first `limit`, once, in stored order and never turned.

        Every batch is full: the last one is padded with row 0 and weight 0. Keys are those of no
        epoch. Host `h` gets its part of every batch, as in training.
        """
        _check_hosts(batch_size, host, num_hosts)
        size = batch_size // num_hosts
        total = self.num_examples if limit is None else min(limit, self.num_examples)
        return self._eval_batches(batch_size, total, host * size, size)

    def _eval_batches(self, batch_size: int, total: int, offset: int, size: int) -> Iterator[Batch]:
        for start in range(offset, max(0, total) + offset, batch_size):
            rows = np.arange(start, start + size)
            is_padding = rows >= total
            rows[is_padding] = 0
            keys = sampling.example_keys(rows, **_EVALUATION)
            batch = self._with_key_and_weight(self.read(rows), keys)
            batch["weight"][is_padding] = 0
            yield batch


def _open_genome(data_dir: pathlib.Path, manifest: Manifest) -> PackedGenome:
    for file in manifest.genome_files:
        path = data_dir / GENOME / file.file
        size = path.stat().st_size if path.is_file() else "no"
        if size != file.num_bytes:
            raise InputError(
                f"{path}: has {size} bytes, the manifest gives {file.num_bytes}; copy the folder "
                "again or rebuild the dataset"
            )
    return PackedGenome(data_dir / GENOME)


class _Sampler:
    """The rows of this host's part of every training batch."""

    def __init__(
        self, split: Split, batch_size: int, seed: int, host: int, num_hosts: int, block: int
    ):
        _check_hosts(batch_size, host, num_hosts)
        if block < 1:
            raise InputError(f"shuffle_block={block}, expected a positive number of records")
        self.steps = split.steps_per_epoch(batch_size)
        self.seed = seed
        self.host_batch_size = batch_size // num_hosts
        self._num_examples, self._batch_size, self._block = split.num_examples, batch_size, block
        self._host = host

    def rows(self, epoch: int, step: int, count: int) -> np.ndarray:
        """Returns the rows of `count` consecutive batches of one epoch, int64 `[count * B/H]`."""
        if not 0 <= step < self.steps:
            raise InputError(f"step {step} of an epoch that has {self.steps} steps, counted from 0")
        first = (step + np.arange(count)) * self._batch_size + self._host * self.host_batch_size
        positions = (first[:, None] + np.arange(self.host_batch_size)).ravel()
        return sampling.permute_blocks(
            positions, self._num_examples, self._block, seed=self.seed, epoch=epoch
        )


def _check_hosts(batch_size: int, host: int, num_hosts: int) -> None:
    if not 0 <= host < num_hosts:
        raise InputError(f"host={host}, expected 0 to {num_hosts - 1} for num_hosts={num_hosts}")
    if batch_size < 1 or batch_size % num_hosts:
        raise InputError(
            f"batch_size={batch_size}, expected a positive multiple of num_hosts={num_hosts}"
        )
