"""Reads a dataset: any rows at random, training batches as a pure function, evaluation batches.

Batch `step` of `epoch` depends on the dataset, the seed and these two numbers, and on nothing else:
not on threads, hosts, restarts, or what was read before. So resuming is arithmetic, and host `h` of
`H` reads rows `h * B/H` to `(h + 1) * B/H` of the one global batch of `B` examples.
"""

import copy
import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfrecords import sampling, strands
from tfrecords.errors import InputError, suggest
from tfrecords.manifest import Manifest
from tfrecords.mirror import Progress
from tfrecords.remote_path import RemotePath, path_of
from tfrecords.sampler import Sampler, check_hosts
from tfrecords.schema import KEY, Schema
from tfrecords.storage import DataDir, open_genome, open_records
from tfrecords.streamed_shards import StreamedShards

Batch = dict[str, np.ndarray]

_TURN = 4  # Salt of the coin that turns an example to its opposite strand.
_EVALUATION = {"seed": 0, "epoch": (1 << 32) - 1}
_SAMPLE_EPOCH = (1 << 32) - 2  # Whose order of the rows decides which are in a sample.
# Reading many batches at once is what makes it fast; this many examples, or bytes if they are long.
_AHEAD_EXAMPLES = 1 << 16
_AHEAD_BYTES = 16 << 20


class Dataset:
    """A dataset folder, on this machine or at a URL: its `manifest`, and its splits by name.

    GZIP shards are expanded into `cache_dir` when their split is opened (default: see `cache`), and
    remote ones are fetched, unless there is no room; see `storage`. `progress(description, total)`
    starts a progress bar then.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike | RemotePath,
        *,
        cache_dir: str | os.PathLike | None = None,
        progress: Progress | None = None,
    ):
        self.data_dir = path_of(data_dir)
        self._cache_dir, self._progress = cache_dir, progress
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
        return Split(self.data_dir, self.manifest, name, self._cache_dir, self._progress)


class Split:
    """The examples of one split, `num_examples` rows in stored order."""

    def __init__(
        self,
        data_dir: DataDir,
        manifest: Manifest,
        name: str,
        cache_dir: str | os.PathLike | None = None,
        progress: Progress | None = None,
    ):
        self.name = name
        self._data_dir, self._manifest, self._cache_dir = data_dir, manifest, cache_dir
        options = {"cache_dir": cache_dir, "progress": progress}
        # The genome first: records are read without a copy where it leaves no room for one.
        self._genome = open_genome(data_dir, manifest, **options)
        self._records = open_records(data_dir, manifest, name, **options)
        self._sample: tuple[int, int] | None = None  # Number of rows, and the seed they are of.

    def __reduce__(self):
        # Workers of another process open the files themselves.
        given = self._data_dir, self._manifest, self.name, self._cache_dir
        return type(self), given, {"_sample": self._sample}

    def sampled(self, fraction: float, seed: int) -> "Split":
        """Returns a random part of the examples, at least one, as a split of their own.

        Of one seed a smaller part lies within a larger one.

        Raises:
            InputError: `fraction` is not above 0 and at most 1.
        """
        if not 0 < fraction <= 1:
            raise InputError(f"a fraction of {fraction:g} of a split, expected above 0, up to 1")
        part = copy.copy(self)
        part._sample = sampling.share_size(fraction, self._records.num_examples), seed
        return part

    @property
    def num_examples(self) -> int:
        """Number of rows."""
        return self._records.num_examples if self._sample is None else self._sample[0]

    @property
    def schema(self) -> Schema:
        """The fields of an example."""
        return self._manifest.schema

    @property
    def files(self) -> tuple[DataDir, ...]:
        """The shards, in the order of the rows; of GZIP shards the expanded ones."""
        return self._records.files

    @property
    def is_streamed(self) -> bool:
        """Whether records come over a network whenever they are read."""
        return isinstance(self._records, StreamedShards)

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
        return self._with_bases(self._records.read(self._stored(rows)))

    def _stored(self, rows: np.ndarray) -> np.ndarray:
        """Returns where rows are among the stored ones."""
        if self._sample is None:
            return rows
        size, seed = self._records.num_examples, self._sample[1]
        return sampling.permute(rows, size, seed=seed, epoch=_SAMPLE_EPOCH)

    def _with_bases(self, records: Batch) -> Batch:
        """Returns records with what is cut out of a genome."""
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
        sampler = Sampler(self, batch_size, seed, host, num_hosts, shuffle_block)
        rows = sampler.rows(epoch, step, 1)
        return self._train_examples(self.read(rows), rows, epoch, seed, reverse_complement)

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
        sampler = Sampler(self, batch_size, seed, host, num_hosts, shuffle_block)
        return self._train_batches(start_step, sampler, reverse_complement)

    def _train_batches(
        self, start_step: int, sampler: Sampler, reverse_complement: bool | None
    ) -> Iterator[Batch]:
        size = sampler.host_batch_size
        ahead = min(_AHEAD_EXAMPLES, _AHEAD_BYTES // self.schema.stride)
        stretches = sampler.stretches(start_step, max(1, ahead // size))
        for epoch, rows, records in self._read_each(stretches):
            examples = self._train_examples(records, rows, epoch, sampler.seed, reverse_complement)
            by_batch = (v.reshape(-1, size, *v.shape[1:]) for v in examples.values())
            for batch in zip(*by_batch, strict=True):
                yield dict(zip(examples, batch, strict=True))

    def _read_each(
        self, stretches: Iterator[tuple[Any, np.ndarray]]
    ) -> Iterator[tuple[Any, np.ndarray, Batch]]:
        """Yields each stretch of rows, with what goes with it, and its records.

        Of a streamed split those that follow are on their way by then.
        """
        stretches, ahead = itertools.tee(stretches)
        read = self._records.read_ahead(self._stored(rows) for _, rows in ahead)
        for (label, rows), records in zip(stretches, read, strict=True):
            yield label, rows, self._with_bases(records)

    def _train_examples(
        self,
        records: Batch,
        rows: np.ndarray,
        epoch: int,
        seed: int,
        reverse_complement: bool | None,
    ) -> Batch:
        if reverse_complement is None:
            reverse_complement = self._manifest.reverse_complement == "online"
        keys = sampling.example_keys(rows, seed=seed, epoch=epoch)
        batch = self._with_key_and_weight(records, keys)
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
        check_hosts(batch_size, host, num_hosts)
        size = batch_size // num_hosts
        total = self.num_examples if limit is None else min(limit, self.num_examples)
        return self._eval_batches(batch_size, total, host * size, size)

    def _eval_batches(self, batch_size: int, total: int, offset: int, size: int) -> Iterator[Batch]:
        starts = range(offset, max(0, total) + offset, batch_size)
        wanted = (np.arange(start, start + size) for start in starts)
        padded = ((rows >= total, np.where(rows < total, rows, 0)) for rows in wanted)
        for is_padding, rows, records in self._read_each(padded):
            keys = sampling.example_keys(rows, **_EVALUATION)
            batch = self._with_key_and_weight(records, keys)
            batch["weight"][is_padding] = 0
            yield batch
