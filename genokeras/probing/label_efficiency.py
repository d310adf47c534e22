"""How well linear models of some features do, with few labels and with all of them.

Penalty and threshold are chosen on the valid split, of which no more labels are used than there are
of training: who has few labels has few of these as well.

Shapes: `N` windows, `F` features, `T` tasks, `R` resamples.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap, linear_fit
from genokeras.evaluation.linear_fit import Labelled
from genokeras.evaluation.scores import Labels, Scores, by_task, choose_thresholds, score_split
from genokeras.metrics.supervised import ALL, METRICS
from genokeras.probing.features import Features
from genokeras.probing.label_order import label_order, num_labels
from genokeras.probing.labelled_data import LabelledData
from genokeras.probing.rows import MEAN
from tfrecords.errors import InputError

# Inverse strengths of the penalty on embeddings, each of whose features has a variance of 1.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Penalties in a row that may be worse on the valid split, where labels are few.
_PATIENCE = 2
_SPLITS = {"train": 0, "valid": 1}
_NOT_SCORES = ("num_undefined", "threshold", "tasks")


@dataclasses.dataclass(frozen=True)
class Curve:
    """What `measure` finds: a row per fraction and task, and its leading metric `[R]` resampled."""

    rows: list[dict[str, Any]]
    samples: list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class _Draw:
    """Models fitted on one draw of the labels: scores, and of each task what it was fitted with."""

    scores: Scores
    labels: tuple[tuple[int, int], ...]
    penalties: tuple[float, ...]


def measure(
    features: Features,
    data: LabelledData,
    *,
    fractions: Sequence[float],
    draws: int,
    num_bootstrap: int,
    seed: int,
    progress: Callable | None = None,
) -> Curve:
    """Fits a model per fraction, draw and task, and scores it on the whole test split.

    Args:
        features: Of an encoder.
        data: The labels.
        fractions: Shares of the labels; smaller ones are parts of larger ones.
        draws: How many times labels are drawn, where they are fewer than all.
        num_bootstrap: Resamples behind the intervals, of all draws together; 0: none.
        seed: Of draws and resamples, which are the same for every encoder.
        progress: Starts a progress bar, given a text and a total.

    Returns:
        Rows with `encoder`, `kind`, `dimensions`, `fraction`, `task`, `labels` (of training) and
        `labels_valid`, `draws`, the `penalty` of each, and the metrics of `evaluation.scores`:
        means over draws, with 95% intervals `*_ci` over test windows and draws together; `by_draw`
        has the leading metric of each. Of several tasks there is a row of their `mean` as well.

    Raises:
        InputError: All labels of a task in the training split are of one class.
    """
    _check_classes(data)
    of_fraction = {share: 1 if share == 1 else draws for share in fractions}
    total = sum(of_fraction.values())
    bar = progress(f"Probing {features.encoder.name}", total) if progress else None
    rows, samples = [], []
    try:
        for fraction, count in of_fraction.items():
            options = {"num_bootstrap": -(-num_bootstrap // count), "seed": seed}
            found = []
            for draw in range(count):
                found.append(_fit(features, data, fraction, draw, **options))
                if bar:
                    bar.update(1)
            for task in [*data.tasks, *([ALL] if len(data.tasks) > 1 else [])]:
                row, drawn = _row(data, task, found)
                rows.append(_about(features, fraction) | row)
                samples.append(drawn)
    finally:
        if bar:
            bar.close()
    return Curve(rows, samples)


def leading_metric(data: LabelledData) -> str:
    """Returns the metric that probes are compared by."""
    return next(iter(METRICS[data.manifest.task_type]))


def differences(curve: Curve, others: Mapping[str, Curve], metric: str) -> None:
    """Adds to the rows of a curve `minus`: by how much its leading metric is above others'.

    A dictionary by the others' names, with intervals from the resamples that all share.
    """
    for place, row in enumerate(curve.rows):
        row["minus"] = {}
        for name, other in others.items():
            pair = row[metric], other.rows[place][metric]
            found = {metric: None if None in pair else pair[0] - pair[1]}
            if len(curve.samples[place]):
                drawn = curve.samples[place] - other.samples[place]
                found[f"{metric}_ci"] = bootstrap.interval(drawn)
            row["minus"][name] = found


def _about(features: Features, fraction: float) -> dict[str, Any]:
    encoder = features.encoder
    about = {"encoder": encoder.name, "kind": encoder.kind, "dimensions": features.dimensions}
    return about | {"fraction": fraction}


def _check_classes(data: LabelledData) -> None:
    labels = data.parts["train"].labels
    for task, targets, weight in zip(labels.tasks, labels.targets.T, labels.weight.T, strict=True):
        known = targets[weight > 0]
        if len(np.unique(known)) < 2:
            kind = "class" if labels.task_type == "binary" else "value"
            raise InputError(
                f"task {task}: its {len(known)} labels of the train split are of one {kind}, and a "
                "probe needs two; leave the task out, or split the data another way"
            )


def _fit(
    features: Features, data: LabelledData, fraction: float, draw: int, *, seed: int, **options: int
) -> _Draw:
    """Fits every task on its share of the labels, and scores all on the test split."""
    task_type, test = data.manifest.task_type, data.parts["test"].labels
    logits = np.zeros(test.targets.shape)
    counts, penalties, thresholds = [], [], []
    for task in range(len(data.tasks)):
        key = seed, draw, task
        total = np.count_nonzero(data.parts["train"].labels.weight[:, task])
        count = num_labels(total, fraction)
        train = _labelled(features, data, "train", task, count, key)
        valid = None
        if "valid" in data.parts:
            valid = _labelled(features, data, "valid", task, count, key)
        grid = PENALTIES if features.encoder.is_network else linear_fit.PENALTIES
        weights, bias, penalty = linear_fit.fit(task_type, train, valid, grid, _PATIENCE)
        logits[:, task] = features.parts["test"] @ weights + bias
        counts.append((len(train), 0 if valid is None else len(valid)))
        penalties.append(penalty)
        thresholds.append(_threshold(task_type, valid, weights, bias))
    scores = score_split(test, logits, thresholds=thresholds, seed=seed + draw, **options)
    return _Draw(scores, tuple(counts), tuple(penalties))


def _labelled(
    features: Features,
    data: LabelledData,
    split: str,
    task: int,
    count: int,
    key: tuple[int, ...],
) -> Labelled:
    """Returns so many labels of a task, without a copy of the features if these are all."""
    labels = data.parts[split].labels
    targets, weight = labels.targets[:, task], labels.weight[:, task]
    rows = np.flatnonzero(weight)
    if count >= len(rows):
        return Labelled.of(features.parts[split], targets, weight)
    order = label_order(targets[rows], labels.task_type == "binary", (*key, _SPLITS[split]))
    rows = np.sort(rows[order[:count]])
    return Labelled(features.parts[split][rows], targets[rows], weight[rows])


def _threshold(
    task_type: str, valid: Labelled | None, weights: np.ndarray, bias: float
) -> float | None:
    if task_type != "binary" or valid is None or not len(valid):
        return None
    labels = Labels(task_type, ("",), valid.targets[:, None], valid.weight[:, None])
    return choose_thresholds(labels, (valid.features @ weights + bias)[:, None])[0]


def _row(
    data: LabelledData, task: str | None, found: Sequence[_Draw]
) -> tuple[dict[str, Any], np.ndarray]:
    """Returns the scores of a task over all draws, and the leading metric of all resamples."""
    leading, columns = leading_metric(data), range(len(data.tasks))
    scores = [draw.scores.values for draw in found]
    if task is not ALL:
        columns = [data.tasks.index(task)]
        scores = [by_task(values, data.tasks)[columns[0]] for values in scores]
    row: dict[str, Any] = {
        "task": MEAN if task is ALL else task,
        "labels": sum(found[0].labels[column][0] for column in columns),
        "labels_valid": sum(found[0].labels[column][1] for column in columns),
        "draws": len(found),
        "penalty": [draw.penalties[column] for draw in found for column in columns],
    }
    drawn, drawn_by = np.zeros(0), [draw.scores.samples for draw in found]
    for name in _names(scores[0]):
        row[name] = _mean([values.get(name) for values in scores])
        parts = [samples[task, name] for samples in drawn_by if (task, name) in samples]
        if parts:
            row[f"{name}_ci"] = bootstrap.interval(np.concatenate(parts))
        if parts and name == leading:
            drawn = np.concatenate(parts)
    return row | {"by_draw": [values[leading] for values in scores]}, drawn


def _names(scores: Mapping[str, Any]) -> list[str]:
    return [name for name in scores if name not in _NOT_SCORES and not name.endswith("_ci")]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
