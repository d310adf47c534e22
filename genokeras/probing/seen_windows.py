"""How many windows of a test split a run has learnt from, in whatever way it learnt.

Those that overlap its training windows on the same genome; without places those of the same DNA on
either strand. A network may have learnt them by heart, with or without labels.

Shapes: `N` windows of the test split.
"""

import contextlib

import numpy as np

from genokeras.evaluation.split_windows import SplitWindows
from genokeras.training.workdir import Run
from tfrecords import chrom as chroms
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.remote_path import RemotePath


def count_seen(windows: SplitWindows, manifest: Manifest, run: Run) -> int | None:
    """Returns how many there are; None if the run's dataset is not on this machine any more.

    Args:
        windows: The test split.
        manifest: Of its dataset.
        run: Of windows as long.
    """
    if isinstance(run.data_dir, RemotePath):
        return None
    with contextlib.suppress(InputError):
        dataset = run.dataset()
        learnt = SplitWindows(dataset, "train")
        is_same_genome = manifest.genome_sha256 == dataset.manifest.genome_sha256 != ""
        if is_same_genome and "chrom_id" in manifest.schema:
            return _count_overlaps(windows, manifest, learnt, dataset.manifest)
        return _count_copies(windows, learnt)
    return None


def _count_copies(windows: SplitWindows, learnt: SplitWindows) -> int:
    own = np.concatenate([windows.keys(part["sequence"]) for part in windows.parts()])
    is_seen = np.zeros(len(own), bool)
    for part in learnt.parts():
        is_seen |= np.isin(own, windows.keys(part["sequence"]))
    return int(is_seen.sum())


def _count_overlaps(
    windows: SplitWindows, manifest: Manifest, learnt: SplitWindows, other: Manifest
) -> int:
    """Counts windows that begin less than a window, and shifts, away from a training one."""
    reach = windows.length + other.shift_bp
    ids = {chrom.name: number for number, chrom in enumerate(manifest.chroms)}
    theirs = np.array([ids.get(chrom.name, -1) for chrom in other.chroms])
    own = [chroms.place(part["chrom_id"], part["start"]) for part in windows.parts()]
    own = np.sort(np.concatenate(own))
    changes = np.zeros(len(own) + 1, np.int64)
    for part in learnt.parts():
        start = chroms.place(theirs[part["chrom_id"]], part["start"])
        np.add.at(changes, np.searchsorted(own, start - reach, side="right"), 1)
        np.add.at(changes, np.searchsorted(own, start + reach, side="left"), -1)
    return int(np.count_nonzero(np.cumsum(changes)[:-1]))
