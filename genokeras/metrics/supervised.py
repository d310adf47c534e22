"""The scores of labelled tasks: each over the whole split, then averaged over tasks.

Shapes: `N` examples, `T` tasks, `R` resamples; logits (predictions of a regression), targets,
weight `[N, T]`. A label of weight 0 is missing (or padding) and counts nowhere; every other label
counts once in the metrics and by its weight in `loss`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.metrics import classification, regression
from genokeras.metrics.counts import ratio

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
# The key of what is scored over all tasks together, beside the tasks' names.
ALL = None
# Scores `[R]` by task (or `ALL`) and metric; NaN where there is none.
Samples = dict[tuple[str | None, str], np.ndarray]

# Each takes targets `[N]`, logits `[N]` (predictions of a regression) and counts `[N]` or `[R, N]`.
METRICS: dict[str, dict[str, Metric]] = {
    "binary": {
        "auroc": classification.auroc,
        "auprc": classification.auprc,
        "mcc": lambda y, logits, counts: classification.mcc(y, logits >= 0, counts),
        "accuracy": lambda y, logits, counts: classification.accuracy(y, logits >= 0, counts),
        "f1": lambda y, logits, counts: classification.f1(y, logits >= 0, counts),
        "loss": classification.log_loss,
    },
    "regression": {
        "pearson_r": regression.pearson_r,
        "spearman_r": regression.spearman_r,
        "r2": regression.r2,
        "loss": regression.mean_squared_error,
    },
}
# What tables and pictures call them, in the order of tables.
TITLES = {
    "auroc": "AUROC", "auprc": "AUPRC", "mcc": "MCC", "accuracy": "Accuracy", "f1": "F1",
    "loss": "Loss", "pearson_r": "Pearson r", "spearman_r": "Spearman r", "r2": "R²",
    "log_total_r": "Pearson r of log totals", "profile_jsd": "Profile JSD (bits)",
    "mean_profile_jsd": "Profile JSD of the mean profile",
}  # fmt: skip
# The metric of each task type by which a model is judged first.
LEADING = tuple(next(iter(metrics)) for metrics in METRICS.values())


@dataclasses.dataclass(frozen=True)
class LabelledTask:
    """The labelled examples of one task, lowest logit first, and its metrics by name.

    In this order the metrics, which sort by logit themselves, do so in no time. `rows` are their
    places among all `N` examples.
    """

    name: str
    rows: np.ndarray
    targets: np.ndarray
    logits: np.ndarray
    weight: np.ndarray
    metrics: Mapping[str, Metric]


def labelled_tasks(
    task_type: str,
    tasks: Sequence[str],
    logits: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray,
    more_metrics: Sequence[Mapping[str, Metric]] = (),
) -> list[LabelledTask]:
    """Returns what `score_tasks` scores; `more_metrics` are, for every task, some of its own."""
    result = []
    for column, name in enumerate(tasks):
        rows = np.flatnonzero(weight[:, column] > 0)
        rows = rows[np.argsort(logits[rows, column], kind="stable")]
        arrays = (array[rows, column].astype(np.float64) for array in (targets, logits, weight))
        metrics = METRICS[task_type] | (more_metrics[column] if more_metrics else {})
        result.append(LabelledTask(name, rows, *arrays, metrics))
    return result


def score_tasks(tasks: Sequence[LabelledTask], counts: np.ndarray) -> Samples:
    """Returns all scores of `R` resamples given as counts `[R, N]`.

    Those under `ALL` are means over the tasks where a metric is defined, and the loss of all labels
    together.
    """
    result: Samples = {}
    loss = total = np.zeros(len(counts))
    for task in tasks:
        # Unlike counts[:, rows], this keeps the examples of a resample side by side in memory.
        drawn = np.take(counts, task.rows, axis=1)
        weighted = drawn * task.weight
        for name, metric in task.metrics.items():
            score = np.full(len(counts), np.nan)
            if len(task.rows):
                score = metric(task.targets, task.logits, weighted if name == "loss" else drawn)
            result[task.name, name] = score
        weight = weighted.sum(axis=1)
        loss = loss + np.where(weight > 0, result[task.name, "loss"], 0.0) * weight
        total = total + weight
    for name in dict.fromkeys(name for task in tasks for name in task.metrics):
        found = [result[task.name, name] for task in tasks if name in task.metrics]
        result[ALL, name] = _mean(np.stack(found))
    # As training minimises it.
    result[ALL, "loss"] = ratio(loss, total)
    return result


def supervised_scores(
    task_type: str,
    tasks: Sequence[str],
    logits: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray,
) -> dict[str, Any]:
    """Returns `{"auroc": ..., "loss": ..., "n": ..., "num_undefined": ..., "tasks": {...}}`.

    Averages are over the tasks where a metric is defined; None if there is none. `num_undefined`
    counts tasks with one class only (or constant targets), `n` examples with a label. `tasks` holds
    the same metrics of each task and is there if there are several.

    Of a task with one class only, `auroc`, `auprc`, `mcc` and `f1` are None: they compare two
    classes, and any number would be that of no model. `accuracy` and `loss` stay, and take part in
    the averages: they are means over examples, each of which is called right or wrong and costs
    nats whatever the others are, and training minimises the loss of these labels as well.
    """
    everyone = np.ones((1, len(logits)))
    labelled = labelled_tasks(task_type, tasks, logits, targets, weight)
    scores = {key: score[0] for key, score in score_tasks(labelled, everyone).items()}
    return nested(task_type, labelled, scores)


def nested(
    task_type: str, tasks: Sequence[LabelledTask], scores: Mapping[tuple[str | None, str], float]
) -> dict[str, Any]:
    """Returns scores by task and metric as `supervised_scores` does."""

    def of(place: str | None) -> dict[str, Any]:
        return {name: _or_none(score) for (task, name), score in scores.items() if task == place}

    per_task = {task.name: of(task.name) | {"n": len(task.rows)} for task in tasks}
    ranking = next(iter(METRICS[task_type]))
    result = of(ALL)
    result["n"] = len(np.unique(np.concatenate([task.rows for task in tasks])))
    result["num_undefined"] = sum(values[ranking] is None for values in per_task.values())
    return result | ({"tasks": per_task} if len(tasks) > 1 else {})


def _mean(scores: np.ndarray) -> np.ndarray:
    """Returns the mean `[R]` over the tasks `[T, R]` that are defined, NaN where none is."""
    is_defined = np.isfinite(scores)
    return ratio(np.where(is_defined, scores, 0.0).sum(axis=0), is_defined.sum(axis=0))


def _or_none(score: float) -> float | None:
    return float(score) if np.isfinite(score) else None
