"""What a model says of every example of a split, beside what is true."""

import dataclasses
import os
from collections.abc import Callable

import numpy as np

from genokeras.evaluation import output_file, prediction_table
from genokeras.evaluation.predict import Predictor, read_size
from genokeras.evaluation.scores import Labels
from genokeras.models.spec import Spec
from tfrecords.errors import InputError
from tfrecords.reader import Split


@dataclasses.dataclass(frozen=True)
class SplitPredictions:
    """The `N` examples of a split in stored order, each of them once.

    Attributes:
      places: Of each example among the records of the split, int64 `[N]`: all of them, unless both
        strands of an example are stored; then the strand that comes first is the one that counts.
      rows: Number of each example in the tables that the dataset was built from, int64 `[N]`.
      labels: Targets and weights.
      logits: float32 `[N, T]`; predictions of a regression.
    """

    places: np.ndarray
    rows: np.ndarray
    labels: Labels
    logits: np.ndarray


def predict_split(
    predictor: Predictor,
    split: Split,
    progress: Callable | None = None,
    *,
    stores_both_strands: bool = False,
) -> SplitPredictions:
    """Predicts a whole split; with `stores_both_strands` one of the two records of every example.

    Raises:
      InputError: The split is empty, or the model gives something that is no finite number.
    """
    spec, count = predictor.spec, split.num_examples
    if not count:
        raise InputError(f"split {split.name} has no examples")
    bar = progress(f"Predicting {split.name}", count) if progress else None
    parts: dict[str, list[np.ndarray]] = {}
    try:
        step = read_size(spec, predictor.batch_size)
        for start in range(0, count, step):
            columns = split.read(np.arange(start, min(start + step, count)))
            columns["logits"] = predictor.logits(columns.pop("sequence"))
            for name in ("row", "targets", "weight", "logits"):
                if name in columns:
                    parts.setdefault(name, []).append(columns[name])
            if bar:
                bar.update(len(columns["logits"]))
    finally:
        if bar:
            bar.close()
    whole = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    _check_finite(whole["logits"], split)
    weight = whole.get("weight", np.ones_like(whole["targets"]))
    rows = whole.get("row", np.arange(count))
    places = np.arange(count)
    if stores_both_strands:
        places = np.sort(np.unique(rows, return_index=True)[1])
    labels = Labels(spec.task_type, spec.tasks, whole["targets"][places], weight[places])
    return SplitPredictions(places, rows[places], labels, whole["logits"][places])


def write_table(predictions: SplitPredictions, spec: Spec, path: str | os.PathLike) -> None:
    """Writes `row`, every task's target (empty where missing) and prediction, ordered by row."""
    order = np.argsort(predictions.rows, kind="stable")
    labels = predictions.labels
    targets = np.where(labels.weight > 0, labels.targets.astype(np.float64), np.nan)[order]
    columns = {"row": predictions.rows[order]}
    columns |= {f"{task}_target": targets[:, t] for t, task in enumerate(spec.tasks)}
    columns |= prediction_table.prediction_columns(spec, predictions.logits[order])
    with output_file.open_text(path) as file:
        prediction_table.write_rows(file, columns, with_header=True)


def _check_finite(logits: np.ndarray, split: Split) -> None:
    wrong = np.count_nonzero(~np.isfinite(logits).all(axis=1))
    if wrong:
        raise InputError(
            f"the model's output is not finite for {wrong} of {len(logits)} examples of split "
            f"{split.name}: its training went wrong; train again with a lower --learning_rate"
        )
