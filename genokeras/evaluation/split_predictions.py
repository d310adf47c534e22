"""What a model says of every example of a split, beside what is true."""

import dataclasses
import os
from collections.abc import Callable, Mapping

import numpy as np

from genokeras.evaluation import output_file, prediction_table
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.predict import read_size
from genokeras.evaluation.scores import Labels
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.models.spec import Spec
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.origin import PLACE
from tfrecords.reader import Dataset


@dataclasses.dataclass(frozen=True)
class SplitPredictions:
    """The `N` examples of a split in stored order, each of them once.

    Attributes:
      windows: Their sequences. All records of the split, unless both strands of an example are
        stored; then the strand that comes first is the one that counts.
      rows: Number of each example in the tables that the dataset was built from, int64 `[N]`.
      labels: Targets and weights.
      member_logits: Of every member of the ensemble, float32 `[E, N, T]`; predictions of a
        regression.
      places: Of windows of a genome `chrom`, `start`, `end` and `strand`, `[N]` each; else empty.
    """

    windows: SplitWindows
    rows: np.ndarray
    labels: Labels
    member_logits: np.ndarray
    places: Mapping[str, np.ndarray]

    @property
    def logits(self) -> np.ndarray:
        """The mean over members, `[N, T]`."""
        return self.member_logits.mean(axis=0)


def predict_split(
    ensemble: Ensemble, dataset: Dataset, split: str, progress: Callable | None = None
) -> SplitPredictions:
    """Predicts a whole split.

    Raises:
      InputError: The split is empty, or a model gives something that is no finite number.
    """
    windows = SplitWindows.each_once(dataset, split)
    count = len(windows)
    if not count:
        raise InputError(f"split {split} has no examples")
    bar = progress(f"Predicting {split}", count) if progress else None
    parts: dict[str, list[np.ndarray]] = {}
    logits = []
    try:
        for part in windows.parts(read_size(ensemble.spec, ensemble.batch_size)):
            logits.append(ensemble.member_logits(part.pop("sequence")))
            for name in {"row", "targets", "weight", *PLACE} & set(part):
                parts.setdefault(name, []).append(part[name])
            if bar:
                bar.update(len(part["targets"]))
    finally:
        if bar:
            bar.close()
    whole = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    member_logits = np.concatenate(logits, axis=1)
    _check_finite(member_logits, split)
    spec = ensemble.spec
    return SplitPredictions(
        windows,
        whole.get("row", np.arange(count)),
        Labels(spec.task_type, spec.tasks, whole["targets"], whole["weight"]),
        member_logits,
        place_columns(dataset.manifest, whole),
    )


def place_columns(manifest: Manifest, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns where in the genome windows are, as a BED file says it; `.` of made negatives.

    Args:
      manifest: Of the dataset.
      fields: Of its records, `[N]` each; without `chrom_id` there are no columns.
    """
    if "chrom_id" not in fields:
        return {}
    names = np.array([*(chrom.name for chrom in manifest.chroms), "."])
    start = fields["start"]
    return {
        "chrom": names[fields["chrom_id"]],
        "start": start,
        "end": np.where(start < 0, -1, start + manifest.window_bp),
        "strand": np.array([".", "+", "-"])[fields["strand"]],
    }


def write_table(predictions: SplitPredictions, spec: Spec, path: str | os.PathLike) -> None:
    """Writes `row`, place, every task's target (empty if missing) and prediction, by row."""
    order = np.argsort(predictions.rows, kind="stable")
    labels = predictions.labels
    targets = np.where(labels.weight > 0, labels.targets.astype(np.float64), np.nan)[order]
    columns = {"row": predictions.rows[order]}
    columns |= {name: column[order] for name, column in predictions.places.items()}
    columns |= {f"{task}_target": targets[:, t] for t, task in enumerate(spec.tasks)}
    columns |= prediction_table.prediction_columns(spec, predictions.member_logits[:, order])
    with output_file.open_text(path) as file:
        prediction_table.write_rows(file, columns, with_header=True)


def _check_finite(member_logits: np.ndarray, split: str) -> None:
    wrong = np.count_nonzero(~np.isfinite(member_logits).all(axis=(0, 2)))
    if wrong:
        raise InputError(
            f"the model's output is not finite for {wrong} of {member_logits.shape[1]} examples of "
            f"split {split}: its training went wrong; train again with a lower --learning_rate"
        )
