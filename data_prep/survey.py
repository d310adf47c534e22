"""The arrays behind a picture of a dataset, counted from its shards block by block.

Of a large split only the first records are read; since records are stored in random order, they are
a random sample of it, and `num_read` says how many there were.

Shapes: `T` tasks, `B` bins, `K` canonical k-mers. Groups of examples are compared: 0 and 1.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from data_prep.statistics import count_letters
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset, Split

_MAX_EXAMPLES = 100_000
_MAX_BYTES = 64 << 20  # Of records; those of long sequences or many tasks are fewer.
_BLOCK_BYTES = 1 << 20
_K = 6
_GC_BINS = 40
_TARGET_BINS = 40
_NUM_EXAMPLES = 12  # Shown of each group.


@dataclass(frozen=True)
class Survey:
    """What a dataset looks like; `genokeras.plots.dataset_overview` draws it.

    Attributes:
        title: Name and size of the dataset.
        tasks: `T` names.
        num_read: For every split how many examples were read, and how many there are.
        classes: For every split the number of negative, positive and missing labels, int64
            `[T, 3]`; empty for a regression.
        target_edges: float64 `[B + 1]`, bins of the targets of a regression; else empty. The first
            and the last bin hold all that is beyond them.
        target_counts: For every split int64 `[T, B]`; empty unless it is a regression.
        lengths: For every split the number of examples by the number of letters that are no
            padding, int64 `[L + 1]`.
        groups: What the examples of group 0 and of group 1 have in common.
        gc_edges: float64 `[B + 1]`, bins of the GC content, as many values of it in each.
        gc_counts: For every split the number of examples by GC content in each group, int64
            `[2, B]`.
        kmers: `K` names, each that of the k-mer of the two strands which comes first.
        kmer_counts: int64 `[2, K]`, how often they occur in the groups of the first split.
        audit: Findings on copies, as the manifest has them.
        examples: For each group a few sequences of the first split.
    """

    title: str
    tasks: tuple[str, ...]
    num_read: Mapping[str, tuple[int, int]]
    classes: Mapping[str, np.ndarray]
    target_edges: np.ndarray
    target_counts: Mapping[str, np.ndarray]
    lengths: Mapping[str, np.ndarray]
    groups: tuple[str, str]
    gc_edges: np.ndarray
    gc_counts: Mapping[str, np.ndarray]
    kmers: tuple[str, ...]
    kmer_counts: np.ndarray
    audit: Mapping
    examples: tuple[tuple[str, ...], tuple[str, ...]]


def survey(data_dir: str | os.PathLike) -> Survey:
    """Reads a dataset, or a sample of it, and returns what there is to show.

    Raises:
        InputError: There is no dataset, or a shard of it is missing or damaged.
    """
    manifest, splits = open_splits(data_dir)
    names = list(splits)
    grouping = _Grouping(manifest, splits[names[0]])
    tallies = {name: _Tally(manifest, grouping) for name in names}
    for name, split in splits.items():
        for batch in batches(split, manifest):
            tallies[name].add(batch, is_first=name == names[0])
    first = tallies[names[0]]
    kmers, kmer_counts = _canonical(first.kmer_counts, first.k)
    is_binary = manifest.task_type == "binary"
    total = sum(map(manifest.num_examples, names))
    return Survey(
        title=f"{manifest.name}: {total:,} examples of {manifest.window_bp} bp",
        tasks=manifest.tasks,
        num_read={name: (tallies[name].num_read, splits[name].num_examples) for name in names},
        classes={name: tallies[name].classes for name in names} if is_binary else {},
        target_edges=grouping.target_edges,
        target_counts={} if is_binary else {name: tallies[name].target_counts for name in names},
        lengths={name: tallies[name].lengths for name in names},
        groups=grouping.names,
        gc_edges=first.gc_edges,
        gc_counts={name: tallies[name].gc_counts for name in names},
        kmers=kmers,
        kmer_counts=kmer_counts,
        audit=manifest.audit,
        examples=(tuple(first.examples[0]), tuple(first.examples[1])),
    )


def open_splits(data_dir: str | os.PathLike) -> tuple[Manifest, dict[str, Split]]:
    """Returns the manifest of a dataset, and the splits of it that have examples.

    Raises:
        InputError: There is no dataset, it has no examples, or a shard is missing.
    """
    dataset = Dataset(data_dir)
    manifest = dataset.manifest
    names = [name for name in manifest.splits if manifest.num_examples(name)]
    if not names:
        raise InputError(f"{data_dir}: there are no examples to look at")
    return manifest, {name: dataset.split(name) for name in names}


class _Grouping:
    """Two groups of examples to compare, by their labels; examples in neither have number -1.

    Of one binary task these are its classes; of several, the examples that are positive in none
    and in some; of a regression, the lowest and the highest quarter by the mean of the targets.
    Without labels all examples are in group 0.
    """

    def __init__(self, manifest: Manifest, split: Split):
        self.target_edges = np.zeros(0)
        self._quarters: tuple[float, float] | None = None
        if manifest.task_type == "regression":
            targets = np.concatenate([_targets(x) for x in batches(split, manifest)])
            low, high = np.nanquantile(targets, [0.001, 0.999])
            self._quarters = np.quantile(_mean(targets), [0.25, 0.75])
            self.target_edges = np.linspace(low, high if high > low else low + 1, _TARGET_BINS + 1)
            self.names = ("lowest quarter", "highest quarter")
        elif not manifest.tasks:
            self.names = ("all examples", "labels")
        elif len(manifest.tasks) == 1:
            self.names = ("negatives", "positives")
        else:
            self.names = ("no label 1", "some label 1")

    def of(self, targets: np.ndarray) -> np.ndarray:
        """Returns the group of every example, int `[N]`."""
        if self._quarters is None:
            return np.nan_to_num(targets).max(axis=1, initial=0).astype(int)
        low, high = self._quarters
        means = _mean(targets)
        return np.where(means >= high, 1, np.where(means <= low, 0, -1))


class _Tally:
    """Counts over the examples of one split."""

    def __init__(self, manifest: Manifest, grouping: _Grouping):
        self._bases, self._shift_bp = manifest.schema["sequence"].bases, manifest.shift_bp
        self._window, self._grouping = manifest.window_bp, grouping
        self.k = min(_K, self._window)
        self.num_read = 0
        self.lengths = np.zeros(self._bases + 1, np.int64)
        step = -(-self._window // _GC_BINS)
        self.gc_edges = (np.arange(0, self._window + 1 + step, step) - 0.5) / self._window
        self.gc_counts = np.zeros((2, len(self.gc_edges) - 1), np.int64)
        self.kmer_counts = np.zeros((2, 4**self.k), np.int64)
        num_bins = max(0, len(grouping.target_edges) - 1)
        self.target_counts = np.zeros((len(manifest.tasks), num_bins), np.int64)
        self.classes = np.zeros((len(manifest.tasks), 3), np.int64)
        self.examples: tuple[list[str], list[str]] = ([], [])

    def add(self, batch: Mapping[str, np.ndarray], is_first: bool) -> None:
        """Adds examples; k-mers and examples to show are of the first split only."""
        stored, targets = batch["sequence"], _targets(batch)
        self.num_read += len(stored)
        self.lengths += np.bincount(count_letters(stored), minlength=len(self.lengths))
        self._add_targets(targets)
        group = self._grouping.of(targets)
        packed = sequence.crop(stored, self._bases, self._shift_bp, self._window)
        gc_content = sequence.gc_content(packed, self._window)
        for number in (0, 1):
            is_here = group == number
            counted = gc_content[is_here & ~np.isnan(gc_content)]
            self.gc_counts[number] += np.histogram(counted, self.gc_edges)[0]
            if is_first:
                self._add_sequences(number, packed[is_here])

    def _add_targets(self, targets: np.ndarray) -> None:
        kinds = (targets == 0, targets == 1, np.isnan(targets))
        self.classes += np.stack([kind.sum(axis=0) for kind in kinds], axis=1)
        edges = self._grouping.target_edges
        for task, counts in enumerate(self.target_counts if len(edges) else ()):
            known = targets[~np.isnan(targets[:, task]), task]
            counts += np.histogram(known.clip(edges[0], edges[-1]), edges)[0]

    def _add_sequences(self, group: int, packed: np.ndarray) -> None:
        ids = sequence.kmer_ids(packed, self._window, self.k)
        counts = np.bincount(ids[ids >= 0], minlength=4**self.k)
        self.kmer_counts[group] += counts
        missing = _NUM_EXAMPLES - len(self.examples[group])
        self.examples[group].extend(sequence.decode(packed[:missing], self._window))


def batches(split: Split, manifest: Manifest) -> Iterator[dict[str, np.ndarray]]:
    """Yields the records of a split, or the first of a large one, block by block."""
    stride = manifest.schema.stride
    count = min(split.num_examples, _MAX_EXAMPLES, max(1000, _MAX_BYTES // stride))
    step = max(1, _BLOCK_BYTES // stride)
    for start in range(0, count, step):
        yield split.read(np.arange(start, min(count, start + step)))


def _targets(batch: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the targets, NaN where they are missing; `[N, 0]` of examples without any."""
    if "targets" not in batch:
        return np.zeros((len(batch["sequence"]), 0))
    targets = batch["targets"].astype(np.float64)
    if "weight" in batch:
        targets[batch["weight"] == 0] = np.nan
    return targets


def _mean(targets: np.ndarray) -> np.ndarray:
    """Returns the mean of the targets that are not missing, of which every example has one."""
    known = ~np.isnan(targets)
    return np.nan_to_num(targets).sum(axis=1) / known.sum(axis=1)


def _canonical(counts: np.ndarray, k: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the names of the canonical k-mers, and the counts of both strands together."""
    kmers, opposites = sequence.canonical_kmers(k)
    both = counts[:, kmers] + np.where(kmers == opposites, 0, counts[:, opposites])
    return tuple(sequence.kmer_texts(kmers, k)), both
