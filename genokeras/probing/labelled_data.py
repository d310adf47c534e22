"""The labelled windows that probes are fitted and scored on, the same for every encoder.

With a second dataset of the same rows, as of reference alleles beside alternative ones, features
are the differences of the two.

Shapes: `N` windows, `T` tasks.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genokeras.evaluation.scores import Labels
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords.errors import InputError
from tfrecords.manifest import LABEL_TYPES, Manifest
from tfrecords.reader import Dataset


@dataclasses.dataclass(frozen=True)
class Part:
    """A split: its windows, their labels, and the windows to compare them with, or None."""

    windows: SplitWindows
    labels: Labels
    reference: SplitWindows | None = None

    def select(self, rows: np.ndarray) -> "Part":
        """Returns these windows, in this order."""
        labels, reference = self.labels, self.reference
        kept = labels.targets[rows], labels.weight[rows]
        return Part(
            self.windows.select(rows),
            Labels(labels.task_type, labels.tasks, *kept),
            None if reference is None else reference.select(rows),
        )


@dataclasses.dataclass(frozen=True)
class LabelledData:
    """The manifest of a dataset, and its parts `train`, `valid` (if there is one) and `test`."""

    manifest: Manifest
    parts: Mapping[str, Part]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that are probed."""
        return self.parts["train"].labels.tasks

    @property
    def is_stranded(self) -> bool:
        """Whether labels are of the given strand."""
        return self.manifest.reverse_complement == "none"


def read(
    data_dir: str | os.PathLike,
    *,
    reference_dir: str | os.PathLike | None = None,
    without_tasks: Sequence[str] = (),
    max_windows: int,
    progress: Callable | None = None,
    log: Callable[[str], None],
) -> LabelledData:
    """Reads the labels of a dataset; its windows are read when they are needed.

    Args:
        data_dir: The dataset.
        reference_dir: Another one, whose windows those of the same row are compared with.
        without_tasks: Tasks that are not to be probed.
        max_windows: Of larger splits so many are used: the first, which are a random sample.
        progress: As of `Dataset`.
        log: Takes one-line messages.

    Raises:
        InputError: It is none, its labels are not one number per window, it has no train or no test
            split, or the two datasets do not fit together.
    """
    dataset, other = Dataset(data_dir, progress=progress), None
    manifest = dataset.manifest
    if manifest.task_type not in LABEL_TYPES:
        raise InputError(
            f"{data_dir}: its data are {manifest.task_type}; a probe needs a label per window: "
            f"{' or '.join(LABEL_TYPES)} data"
        )
    if reference_dir is not None:
        other = Dataset(reference_dir, progress=progress)
        _check_pair(manifest, other.manifest, str(reference_dir))
    tasks = [task for task in manifest.tasks if task not in without_tasks]
    if not tasks:
        raise InputError(f"{data_dir}: all of its tasks are nuisances, nothing is left to probe")
    columns = [manifest.tasks.index(task) for task in tasks]
    parts = {}
    for split in ("train", "valid", "test"):
        if split == "valid" and split not in manifest.splits:
            log("No valid split: penalties are not chosen, and there is no threshold.")
            continue
        part = _part(dataset, split, max_windows, log)
        if other is not None:
            part = _compared(part, other, split, str(reference_dir), log)
        labels = part.labels
        kept = labels.targets[:, columns], labels.weight[:, columns]
        labels = Labels(manifest.task_type, tuple(tasks), *kept)
        parts[split] = dataclasses.replace(part, labels=labels)
    return LabelledData(manifest, parts)


def _part(dataset: Dataset, split: str, most: int, log: Callable[[str], None]) -> Part:
    windows = SplitWindows.each_once(dataset, split)
    if len(windows) > most:
        log(f"Of {len(windows):,} windows of the {split} split the first {most:,} are used.")
        windows = windows.select(np.arange(most))
    found = [(part["targets"], part["weight"]) for part in windows.parts()]
    columns = (np.concatenate(x).astype(np.float32) for x in zip(*found, strict=True))
    manifest = dataset.manifest
    return Part(windows, Labels(manifest.task_type, manifest.tasks, *columns))


def _check_pair(manifest: Manifest, other: Manifest, where: str) -> None:
    for name in ("tasks", "task_type", "window_bp"):
        here, there = getattr(manifest, name), getattr(other, name)
        if here != there:
            raise InputError(
                f"{where}: {name} is {there}, of the dataset to compare it is {here}; both must be "
                "built from tables with the same rows"
            )
    for schema in (manifest.schema, other.schema):
        if "row" not in schema:
            raise InputError(f"{where}: records without the number of their row cannot be paired")


def _compared(
    part: Part, other: Dataset, split: str, where: str, log: Callable[[str], None]
) -> Part:
    """Returns the windows whose row the other dataset has too, with those of that."""
    reference = _part(other, split, len(SplitWindows(other, split)), log)
    rows, their_rows = _rows(part.windows), _rows(reference.windows)
    _, places, their_places = np.intersect1d(rows, their_rows, return_indices=True)
    order = np.argsort(places)
    places, their_places = places[order], their_places[order]
    if not len(places):
        raise InputError(f"{where}: no row of its {split} split is in that of the other dataset")
    given, theirs = part.labels.targets[places], reference.labels.targets[their_places]
    differing = np.any(given != theirs, axis=1)
    if differing.any():
        row = rows[places[np.argmax(differing)]]
        raise InputError(
            f"{where}: row {row} of its {split} split has other labels than in the other dataset; "
            "both must be built from tables with the same rows"
        )
    if len(places) < len(rows):
        log(f"Windows of the {split} split without a reference: {len(rows) - len(places):,}.")
    return dataclasses.replace(
        part.select(places), reference=reference.windows.select(their_places)
    )


def _rows(windows: SplitWindows) -> np.ndarray:
    return np.concatenate([part["row"] for part in windows.parts()])
