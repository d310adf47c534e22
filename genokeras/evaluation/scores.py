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
from genokeras.metrics import classification, supervised
from genokeras.metrics.supervised import ALL, METRICS, LabelledTask, Metric, Samples, score_tasks

_AT_THRESHOLD = {
    "mcc": classification.mcc,
    "accuracy": classification.accuracy,
    "f1": classification.f1,
}
# All metrics, of whichever task type.
_NAMES = {name for metrics in METRICS.values() for name in metrics} | {
    f"{name}_at_threshold" for name in _AT_THRESHOLD
}


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
    thresholds = thresholds or [None] * len(labels.tasks)
    tasks = supervised.labelled_tasks(
        labels.task_type,
        labels.tasks,
        logits,
        labels.targets,
        labels.weight,
        [_at_threshold(threshold) for threshold in thresholds],
    )
    everyone = np.ones((1, len(logits)))
    point = {key: score[0] for key, score in score_tasks(tasks, everyone).items()}
    samples: Samples = {}
    if num_bootstrap:
        samples = bootstrap.resampled_scores(
            functools.partial(score_tasks, tasks),
            len(logits),
            num_resamples=num_bootstrap,
            seed=seed,
            progress=progress,
        )
    return Scores(_nested(labels, tasks, thresholds, point, samples), samples)


def difference(scores: Scores, other: Scores) -> dict[str, Any]:
    """Returns scores minus other scores, over all tasks, with the intervals of the differences.

    Both must be of the same split and made with the same seed: then resample `r` is the same for
    both, and what the choice of examples does to both drops out.
    """
    result = {}
    for name in (name for name in scores.values if name in _NAMES and name in other.values):
        pair = scores.values[name], other.values[name]
        result[name] = None if None in pair else pair[0] - pair[1]
        if (ALL, name) in scores.samples and (ALL, name) in other.samples:
            both = scores.samples[ALL, name], other.samples[ALL, name]
            result[f"{name}_ci"] = bootstrap.interval(both[0] - both[1])
    return result


def by_task(scores: Mapping[str, Any] | None, tasks: Sequence[str]) -> list[Mapping[str, Any]]:
    """Returns the scores of every task, those of the only one being the scores themselves."""
    scores = scores or {}
    return [scores["tasks"][task] for task in tasks] if "tasks" in scores else [scores] * len(tasks)


def _at_threshold(threshold: float | None) -> dict[str, Metric]:
    def bind(metric: Callable) -> Metric:
        return lambda targets, logits, counts: metric(
            targets, probability(logits) >= threshold, counts
        )

    if threshold is None:
        return {}
    return {f"{name}_at_threshold": bind(metric) for name, metric in _AT_THRESHOLD.items()}


def _nested(
    labels: Labels,
    tasks: Sequence[LabelledTask],
    thresholds: Sequence[float | None],
    point: Mapping[tuple[str | None, str], float],
    samples: Samples,
) -> dict[str, Any]:
    """Returns the scores of all examples with their intervals, and with the thresholds."""
    names = list(METRICS[labels.task_type])
    if labels.task_type == "binary":
        names += [f"{name}_at_threshold" for name in _AT_THRESHOLD]

    def completed(place: str | None, scores: Mapping[str, Any]) -> dict[str, Any]:
        result = {}
        for name in names:
            result[name] = scores.get(name)
            if samples:
                found = samples.get((place, name))
                result[f"{name}_ci"] = None if found is None else bootstrap.interval(found)
        return result | {name: x for name, x in scores.items() if name not in result}

    plain = supervised.nested(labels.task_type, tasks, point)
    result = completed(ALL, plain)
    per_task = {name: completed(name, scores) for name, scores in plain.get("tasks", {}).items()}
    if labels.task_type == "binary":
        places = list(per_task.values()) or [result]
        for scores, threshold in zip(places, thresholds, strict=True):
            scores["threshold"] = threshold
    return result | ({"tasks": per_task} if per_task else {})
