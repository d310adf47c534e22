"""Several runs as one model: the mean of their logits, over seeds, folds or architectures.

All members are in memory at once: the weights of a model of short windows take a few megabytes,
and a stream of sequences can only be read once.

Shapes: `E` members, `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`, logits `[N, T]`.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import run_folders
from genokeras.evaluation.predictor import Predictor
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

# What makes the predictions of two runs comparable.
_SHARED = (
    *("length", "tasks", "task_type", "strand_pairs", "stranded"),
    *("bin_bp", "crop_bp", "cut_sites"),
)


class Ensemble:
    """One or more predictors of the same tasks, whose logits are averaged."""

    def __init__(self, members: Sequence[Predictor]):
        self.members = tuple(members)
        first = self.members[0]
        self.spec, self.batch_size = first.spec, first.batch_size
        self.reverse_complement = all(member.reverse_complement for member in self.members)

    @classmethod
    def load(
        cls, runs: Sequence[Run], checkpoint: str | int = "best", **options: Any
    ) -> "Ensemble":
        """Loads the same checkpoint of every run; `options` are those of `Predictor.load`."""
        return cls([Predictor.load(run, checkpoint, **options) for run in runs])

    def logits(self, packed: np.ndarray) -> np.ndarray:
        """Returns the mean of the members' logits `[N, T]`."""
        return self.member_logits(packed).mean(axis=0)

    def member_logits(self, packed: np.ndarray) -> np.ndarray:
        """Returns the logits of every member, `[E, N, T]`."""
        return np.stack([member.logits(packed) for member in self.members])

    def logits_by_strand(self, packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean logits of the given and of the opposite strand, not averaged."""
        strands = [member.logits_by_strand(packed) for member in self.members]
        given, opposite = (np.mean(parts, axis=0) for parts in zip(*strands, strict=True))
        return given, opposite


def open_runs(
    workdirs: str | os.PathLike | Sequence[str | os.PathLike],
    data_dir: str | os.PathLike | None = None,
) -> list[Run]:
    """Opens the runs of an ensemble (or one run), named as `run_folders.find` reads them.

    Raises:
      InputError: There is no such run, or two do not predict the same tasks of the same window.
    """
    runs = [Run.open(folder, data_dir) for folder in run_folders.find(workdirs)]
    first = runs[0]
    for run in runs[1:]:
        for name in _SHARED:
            here, there = getattr(run.spec, name), getattr(first.spec, name)
            if here != there:
                raise InputError(
                    f"{run.workdir}: {name} is {_shown(here)}, of {first.workdir} it is "
                    f"{_shown(there)}; an ensemble needs runs that agree"
                )
    return runs


def check_same_records(runs: Sequence[Run], datasets: Sequence[Dataset], split: str) -> None:
    """Checks that a split is the same in the datasets of all runs.

    Then it is as unseen by every member as it is by one: of datasets that are folds of the same
    rows, the test splits are the same, but what is valid for one member was trained on by others.

    Raises:
      InputError: It is not the same.
    """
    first = datasets[0]
    found: dict[str, bool] = {}
    for run, dataset in zip(runs, datasets, strict=True):
        same = found.get(dataset.manifest.sha256)
        if same is None:
            same = _holds_the_same(first, dataset, split)
            found[dataset.manifest.sha256] = same
        if not same:
            raise InputError(
                f"{run.workdir} was trained on a dataset whose {split} split is not that of "
                f"{runs[0].workdir}: records of one may be training examples of the other; score "
                "an ensemble on a split that all its datasets share, as folds do with test"
            )


def _holds_the_same(first: Dataset, other: Dataset, split: str) -> bool:
    """Whether the records of a split are the same in two datasets, in whatever order."""
    shards = [
        [shard.sha256 for shard in dataset.manifest.splits.get(split, ())]
        for dataset in (first, other)
    ]
    if shards[0] == shards[1]:
        return True
    if first.split(split).num_examples != other.split(split).num_examples:
        return False
    return np.array_equal(*(_sorted_records(SplitWindows(d, split)) for d in (first, other)))


def _sorted_records(windows: SplitWindows) -> np.ndarray:
    """Returns one key per example, of window, targets and weight, sorted."""
    parts = []
    for part in windows.parts():
        columns = [part["sequence"]]
        for name in ("targets", "weight"):
            values = np.ascontiguousarray(part[name], np.float32)
            columns.append(values.view(np.uint8).reshape(len(values), -1))
        joined = np.concatenate(columns, axis=1)
        parts.append(np.ascontiguousarray(joined).view(f"V{joined.shape[1]}")[:, 0])
    return np.sort(np.concatenate(parts))


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
