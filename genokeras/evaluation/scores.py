"""Scores of a whole split with bootstrap intervals: arrays in, a dictionary out.

Shapes: `N` examples, `T` tasks, `R` resamples; logits are the predictions of a regression. A label
of weight 0 is missing and counts nowhere; every other counts by its weight in the loss, and once in
the other metrics.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap
from genokeras.evaluation.threshold import best_f1_threshold
from genokeras.metrics import classification
from genokeras.metrics.supervised import METRICS, Metric

_AT_THRESHOLD = {
    "mcc": classification.mcc,
    "accuracy": classification.accuracy,
    "f1": classification.f1,
}
# The key of what is scored over all tasks together, beside the tasks' names.
_ALL = None
# Scores `[R]` by task (or `_ALL`) and metric.
Samples = dict[tuple[str | None, str], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Labels:
    """What a split's examples are: targets and weight, float32 `[N, T]`, of `T` named tasks."""

    task_type: str
    tasks: tuple[str, ...]
    targets: np.ndarray
    weight: np.ndarray


@dataclasses.dataclass(frozen=True)
class Scores:
    """The scores of a model on a split, as JSON holds them, and those of every resample."""

    values: dict[str, Any]
    samples: Samples


def probability(logits: np.ndarray) -> np.ndarray:
    """Returns the logistic function of logits, in float64."""
    logits = np.asarray(logits, np.float64)
    odds = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, odds) / (1.0 + odds)


def choose_thresholds(labels: Labels, logits: np.ndarray) -> tuple[float | None, ...]:
    """Returns for every task the probability with the best F1; meant for the valid split only."""
    columns = zip(probability(logits).T, labels.targets.T, labels.weight.T, strict=True)
    return tuple(best_f1_threshold(*column) for column in columns)


def score_split(
    labels: Labels,
    logits: np.ndarray,
    *,
    thresholds: Sequence[float | None] | None = None,
    num_bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable | None = None,
) -> Scores:
    """Scores logits `[N, T]`, exactly, over a whole split.

    Args:
      labels: Of the split.
      logits: Of the model, or its predictions.
      thresholds: For every task of a classifier, the probability from which on an example is called
        positive in `*_at_threshold`; None where there is none.
      num_bootstrap: Number of resamples; 0 leaves the intervals out.
      seed: Of the resamples.
      progress: Starts a progress bar, given a text and a total.

    Returns:
      `values` holds every metric by name, `*_ci` with the ends of its 95% interval, `n` and
      `num_undefined` (tasks that have no AUROC or correlation); for a classifier `threshold` and
      `*_at_threshold`. With several tasks, metrics are means over the tasks that have them, and
      `tasks` holds the same of every task. What is undefined is None.
    """
    columns = _columns(labels, logits, thresholds or [None] * len(labels.tasks))
    everyone = np.ones((1, len(logits)))
    point = {key: value[0] for key, value in _score(columns, everyone).items()}
    samples: Samples = {}
    if num_bootstrap:
        samples = bootstrap.resampled_scores(
            functools.partial(_score, columns),
            len(logits),
            num_resamples=num_bootstrap,
            seed=seed,
            progress=progress,
        )
    return Scores(_nested(labels, thresholds, point, samples), samples)


def difference(scores: Scores, other: Scores) -> dict[str, Any]:
    """Returns scores minus other scores, over all tasks, with the intervals of the differences.

    Both must be of the same split and made with the same seed: then resample `r` is the same for
    both, and what the choice of examples does to both drops out.
    """
    result = {}
    for (place, name), values in scores.samples.items():
        if place is _ALL and name in other.values and (_ALL, name) in other.samples:
            pair = scores.values[name], other.values[name]
            result[name] = None if None in pair else pair[0] - pair[1]
            result[f"{name}_ci"] = _interval(values - other.samples[place, name])
    return result


@dataclasses.dataclass(frozen=True)
class _Column:
    """The labelled examples of one task, lowest logit first, and its metrics by name.

    In this order the metrics, which sort by logit themselves, do so in no time.
    """

    task: str
    rows: np.ndarray
    targets: np.ndarray
    logits: np.ndarray
    weight: np.ndarray
    metrics: Mapping[str, Metric]


def _columns(
    labels: Labels, logits: np.ndarray, thresholds: Sequence[float | None]
) -> list[_Column]:
    columns = []
    for task, (name, threshold) in enumerate(zip(labels.tasks, thresholds, strict=True)):
        rows = np.flatnonzero(labels.weight[:, task] > 0)
        rows = rows[np.argsort(logits[rows, task], kind="stable")]
        arrays = (array[rows, task] for array in (labels.targets, logits, labels.weight))
        targets, of_task, weight = (array.astype(np.float64) for array in arrays)
        metrics = METRICS[labels.task_type]
        if threshold is not None:
            metrics = metrics | _at_threshold(threshold)
        columns.append(_Column(name, rows, targets, of_task, weight, metrics))
    return columns


def _at_threshold(threshold: float) -> dict[str, Metric]:
    def bind(metric: Callable) -> Metric:
        return lambda targets, logits, counts: metric(
            targets, probability(logits) >= threshold, counts
        )

    return {f"{name}_at_threshold": bind(metric) for name, metric in _AT_THRESHOLD.items()}


def _score(columns: Sequence[_Column], counts: np.ndarray) -> Samples:
    """Returns all scores, `[R]`, of `R` resamples given as counts `[R, N]`."""
    result: Samples = {}
    loss = weight = 0.0
    for column in columns:
        # Unlike counts[:, rows], this keeps the examples of a resample side by side in memory.
        drawn = np.take(counts, column.rows, axis=1)
        weighted = drawn * column.weight
        for name, metric in column.metrics.items():
            score = np.full(len(counts), np.nan)
            if len(column.rows):
                score = metric(column.targets, column.logits, weighted if name == "loss" else drawn)
            result[column.task, name] = score
        total = weighted.sum(axis=1)
        loss = loss + np.where(total > 0, result[column.task, "loss"], 0.0) * total
        weight = weight + total
    for name in dict.fromkeys(name for column in columns for name in column.metrics):
        keys = [(column.task, name) for column in columns]
        result[_ALL, name] = _mean([result[key] for key in keys if key in result])
    # As training minimises it: over all labels together.
    result[_ALL, "loss"] = np.where(weight > 0, loss / np.where(weight > 0, weight, 1.0), np.nan)
    return result


def _mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean over the tasks that are defined, NaN where none is."""
    stacked = np.stack(values)
    defined = np.isfinite(stacked)
    number = defined.sum(axis=0)
    total = np.where(defined, stacked, 0.0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _nested(
    labels: Labels,
    thresholds: Sequence[float | None] | None,
    point: Mapping[tuple[str | None, str], float],
    samples: Samples,
) -> dict[str, Any]:
    names = list(METRICS[labels.task_type])
    if labels.task_type == "binary":
        names += [f"{name}_at_threshold" for name in _AT_THRESHOLD]

    def of(place: str | None) -> dict[str, Any]:
        result = {}
        for name in names:
            result[name] = _or_none(point.get((place, name), np.nan))
            if samples:
                found = samples.get((place, name))
                result[f"{name}_ci"] = None if found is None else _interval(found)
        return result

    per_task = {task: of(task) for task in labels.tasks}
    for column, values in enumerate(per_task.values()):
        values["n"] = int(np.sum(labels.weight[:, column] > 0))
        if labels.task_type == "binary":
            values["threshold"] = thresholds[column] if thresholds else None
    result = of(_ALL)
    result["n"] = int(np.sum(np.any(labels.weight > 0, axis=1)))
    result["num_undefined"] = sum(values[names[0]] is None for values in per_task.values())
    if len(per_task) > 1:
        return result | {"tasks": per_task}
    return next(iter(per_task.values())) | result


def _interval(samples: np.ndarray) -> list[float] | None:
    interval = bootstrap.interval(samples)
    return None if interval is None else list(interval)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
