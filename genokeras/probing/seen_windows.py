"""How many windows of a test split a run has learnt from, in whatever way it learnt.

Those that overlap its training windows on the same genome; without places those of the same DNA on
either strand. A network may have learnt them by heart, with or without labels, also before this
run: what the run began with (`init_from`) counts as well.

Shapes: `N` windows of the test split.
"""

import numpy as np

from genokeras.evaluation.split_windows import SplitWindows
from genokeras.training.workdir import Run
from tfrecords import chrom as chroms
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.remote_path import RemotePath


def count_seen(windows: SplitWindows, manifest: Manifest, run: Run) -> int | None:
    """Returns how many there are; None if that cannot be known.

    So it is where the dataset of the run, or of a run that it began with, or that run, is not on
    this machine any more.

    Args:
        windows: The test split.
        manifest: Of its dataset.
        run: Of windows as long.
    """
    is_seen = np.zeros(len(windows), bool)
    learner: Run | None = run
    while learner is not None:
        if isinstance(learner.data_dir, RemotePath):
            return None
        try:
            dataset = learner.dataset()
            learner = learner.source and Run.open(learner.source.workdir)
        except InputError:
            return None
        found = _seen(windows, manifest, dataset)
        if found is None:
            return None
        is_seen |= found
    return int(is_seen.sum())


def _seen(windows: SplitWindows, manifest: Manifest, dataset: Dataset) -> np.ndarray | None:
    """Returns which windows are in the training split of a dataset, bool `[N]`; None: unknown."""
    learnt, other = SplitWindows(dataset, "train"), dataset.manifest
    if manifest.genome_sha256 == other.genome_sha256 != "" and "chrom_id" in manifest.schema:
        return _overlapping(windows, manifest, learnt, other)
    return _copied(windows, learnt) if windows.length == learnt.length else None


def _copied(windows: SplitWindows, learnt: SplitWindows) -> np.ndarray:
    own = np.concatenate([windows.keys(part["sequence"]) for part in windows.parts()])
    is_seen = np.zeros(len(own), bool)
    for part in learnt.parts():
        is_seen |= np.isin(own, windows.keys(part["sequence"]))
    return is_seen


def _overlapping(
    windows: SplitWindows, manifest: Manifest, learnt: SplitWindows, other: Manifest
) -> np.ndarray:
    """Returns which windows share a base with a training one, wherever that is shifted to."""
    before, behind = windows.length + other.shift_bp, learnt.length + other.shift_bp
    ids = {chrom.name: number for number, chrom in enumerate(manifest.chroms)}
    theirs = np.array([ids.get(chrom.name, -1) for chrom in other.chroms])
    own = [chroms.place(part["chrom_id"], part["start"]) for part in windows.parts()]
    own = np.concatenate(own)
    order = np.argsort(own)
    changes = np.zeros(len(own) + 1, np.int64)
    for part in learnt.parts():
        start = chroms.place(theirs[part["chrom_id"]], part["start"])
        first = np.searchsorted(own, start - before, side="right", sorter=order)
        last = np.searchsorted(own, start + behind, side="left", sorter=order)
        np.add.at(changes, first, 1)
        np.add.at(changes, last, -1)
    is_seen = np.empty(len(own), bool)
    is_seen[order] = np.cumsum(changes)[:-1] > 0
    return is_seen
