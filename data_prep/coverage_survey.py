"""The arrays behind a picture of a dataset with coverage, added up from its shards block by block.

Of a large split only the first records are read, as in `data_prep/survey.py`.

Shapes: `T` tasks, `B` bins of a window, `V` bins of values, `G` bins of GC content.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_prep.survey import batches, open_splits
from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.origin import PLACE, origin
from tfrecords.reader import Split

_VALUE_BINS = 40
_GC_BINS = 50
_SHOWN_QUANTILES = (0.9, 0.5)  # Of the mean coverage: the windows of each split that are shown.


@dataclass(frozen=True)
class CoverageSurvey:
    """What windows with coverage look like; `genokeras.plots.coverage_overview` draws it.

    All coverage is in its own unit, `target_scale` times what is stored.

    Attributes:
        title: Name and size of the dataset.
        tasks: `T` names.
        num_read: For every split how many windows were read, and how many there are.
        positions: Middle of each bin, in bp from the middle of the window, float64 `[B]`.
        profiles: For every split the mean coverage of each bin, float64 `[T, B]`, NaN without any.
        value_edges: float64 `[V + 1]`, bins of values above 0, as wide as each other on a
            logarithmic scale; the first and the last hold all that is beyond them.
        value_counts: For every split int64 `[T, V]`.
        no_coverage: For every split the share of bins that are not above 0, float64 `[T]`.
        gc_edges: float64 `[G + 1]`, bins of the GC content of windows.
        gc_profiles: For every split the mean coverage of the windows in each, float64 `[T, G]`;
            NaN without any.
        examples: For every split the places of some windows, and their coverage, float64 `[T, B]`.
    """

    title: str
    tasks: tuple[str, ...]
    num_read: Mapping[str, tuple[int, int]]
    positions: np.ndarray
    profiles: Mapping[str, np.ndarray]
    value_edges: np.ndarray
    value_counts: Mapping[str, np.ndarray]
    no_coverage: Mapping[str, np.ndarray]
    gc_edges: np.ndarray
    gc_profiles: Mapping[str, np.ndarray]
    examples: Mapping[str, tuple[tuple[str, np.ndarray], ...]]


def survey_coverage(data_dir: str | os.PathLike) -> CoverageSurvey:
    """Reads a dataset with coverage, or a sample of it, and returns what there is to show.

    Raises:
        InputError: There is no dataset, or a shard of it is missing or damaged.
    """
    manifest, splits = open_splits(data_dir)
    names = list(splits)
    edges = _value_edges(manifest, splits[names[0]])
    tallies = {name: _Tally(manifest, edges) for name in names}
    for name, split in splits.items():
        for batch in batches(split, manifest):
            tallies[name].add(batch)
    middle = manifest.window_bp / 2
    first = manifest.crop_bp + manifest.bin_bp / 2 - middle
    total = sum(map(manifest.num_examples, names))
    return CoverageSurvey(
        title=f"{manifest.name}: {total:,} windows of {manifest.window_bp:,} bp",
        tasks=manifest.tasks,
        num_read={name: (tallies[name].num_read, splits[name].num_examples) for name in names},
        positions=first + manifest.bin_bp * np.arange(manifest.num_bins),
        profiles={name: tallies[name].profiles for name in names},
        value_edges=edges,
        value_counts={name: tallies[name].value_counts for name in names},
        no_coverage={name: tallies[name].no_coverage for name in names},
        gc_edges=tallies[names[0]].gc_edges,
        gc_profiles={name: tallies[name].gc_profiles for name in names},
        examples={name: _examples(manifest, splits[name], tallies[name]) for name in names},
    )


class _Tally:
    """Sums over the windows of one split."""

    def __init__(self, manifest: Manifest, value_edges: np.ndarray):
        self._manifest, self._edges = manifest, value_edges
        self.gc_edges = np.linspace(0, 1, _GC_BINS + 1)
        self._num_tasks = len(manifest.tasks)
        self._sums = np.zeros((2, self._num_tasks, manifest.num_bins))
        self._gc_sums = np.zeros((2, self._num_tasks, _GC_BINS))
        self.value_counts = np.zeros((self._num_tasks, len(value_edges) - 1), np.int64)
        self._num_without = np.zeros(self._num_tasks)
        self._means: list[np.ndarray] = []

    def add(self, batch: Mapping[str, np.ndarray]) -> None:
        """Adds windows."""
        manifest = self._manifest
        values = _coverage(manifest, batch)
        known = ~np.isnan(values)
        filled = np.where(known, values, 0)
        self._sums += [filled.sum(axis=0), known.sum(axis=0)]
        self._num_without += (known & (values <= 0)).sum(axis=(0, 2))
        logs = np.log10(np.where(filled > 0, filled, np.nan))
        for task, counts in enumerate(self.value_counts):
            found = logs[:, task][filled[:, task] > 0]
            edges = np.log10(self._edges)
            counts += np.histogram(found.clip(edges[0], edges[-1]), edges)[0]
        bases = manifest.schema["sequence"].bases
        windows = sequence.crop(batch["sequence"], bases, manifest.shift_bp, manifest.window_bp)
        gc_content = np.nan_to_num(sequence.gc_content(windows, manifest.window_bp))
        place = np.minimum((gc_content * _GC_BINS).astype(int), _GC_BINS - 1)
        sums = filled.sum(axis=2), known.sum(axis=2)
        for total, part in zip(self._gc_sums, sums, strict=True):
            np.add.at(total.T, place, part)
        self._means.append(sums[0].sum(axis=1) / np.maximum(1, sums[1].sum(axis=1)))

    @property
    def num_read(self) -> int:
        """Windows that were added."""
        return sum(map(len, self._means))

    @property
    def means(self) -> np.ndarray:
        """Mean coverage of each window over its bins and tasks, float64 `[N]`."""
        return np.concatenate(self._means)

    @property
    def profiles(self) -> np.ndarray:
        """See `CoverageSurvey`."""
        return _ratio(*self._sums)

    @property
    def gc_profiles(self) -> np.ndarray:
        """See `CoverageSurvey`."""
        return _ratio(*self._gc_sums)

    @property
    def no_coverage(self) -> np.ndarray:
        """See `CoverageSurvey`."""
        return _ratio(self._num_without, self._sums[1].sum(axis=1))


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, where=counts > 0, out=np.full_like(sums, np.nan))


def _coverage(manifest: Manifest, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns coverage in its own unit, float64 `[N, T, B]`, NaN where it is missing."""
    scale = np.array(manifest.target_scale or [1.0] * len(manifest.tasks))
    return (batch["targets"].astype(np.float64) * scale).transpose(0, 2, 1)


def _value_edges(manifest: Manifest, split: Split) -> np.ndarray:
    """Returns bins for the values above 0, found in the first block of a split."""
    values = _coverage(manifest, next(batches(split, manifest)))
    above = values[values > 0]
    low, high = np.quantile(above, [0.001, 1]) if above.size else (0.1, 1)
    return np.geomspace(low, high if high > low else 10 * low, _VALUE_BINS + 1)


def _examples(
    manifest: Manifest, split: Split, tally: _Tally
) -> tuple[tuple[str, np.ndarray], ...]:
    """Returns the windows of a split whose mean coverage is at the quantiles to be shown."""
    order = np.argsort(tally.means, kind="stable")
    rows = order[[round(share * (len(order) - 1)) for share in _SHOWN_QUANTILES]]
    batch = split.read(rows)
    values = _coverage(manifest, batch)
    places = (
        origin(
            manifest,
            int(batch["row"][row]),
            **{name: int(batch[name][row]) for name in PLACE if name in batch},
        )
        for row in range(len(rows))
    )
    return tuple(zip(places, values, strict=True))
