"""The scores of labelled tasks: each over the whole split, then averaged over tasks.

Shapes: `N` examples, `T` tasks; logits, targets, weight `[N, T]`. A label of weight 0 is missing
(or padding) and counts nowhere; every other label counts once in the metrics and by its weight in
`loss`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genokeras.metrics import classification, regression

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

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
    """
    per_task = {
        task: _task_scores(task_type, logits[:, t], targets[:, t], weight[:, t])
        for t, task in enumerate(tasks)
    }
    ranking = next(iter(METRICS[task_type]))
    result = {name: _mean(per_task, name) for name in METRICS[task_type]}
    result["loss"] = _pooled_loss(per_task, weight)
    result["n"] = int(np.sum(np.any(weight > 0, axis=1)))
    result["num_undefined"] = sum(task[ranking] is None for task in per_task.values())
    return result | ({"tasks": per_task} if len(tasks) > 1 else {})


def _task_scores(
    task_type: str, logits: np.ndarray, targets: np.ndarray, weight: np.ndarray
) -> dict[str, Any]:
    labelled = weight > 0
    logits = np.asarray(logits, np.float64)[labelled]
    targets, weight = np.asarray(targets, np.float64)[labelled], weight[labelled]
    if not len(targets):
        return dict.fromkeys(METRICS[task_type]) | {"n": 0}
    once = np.ones(len(targets))
    result = {
        name: _or_none(metric(targets, logits, weight if name == "loss" else once))
        for name, metric in METRICS[task_type].items()
    }
    return result | {"n": len(targets)}


def _mean(per_task: dict[str, dict[str, Any]], name: str) -> float | None:
    defined = [scores[name] for scores in per_task.values() if scores[name] is not None]
    return float(np.mean(defined)) if defined else None


def _pooled_loss(per_task: dict[str, dict[str, Any]], weight: np.ndarray) -> float | None:
    """The loss over all labels together, as training minimises it."""
    totals = np.sum(weight, axis=0, dtype=np.float64)
    losses = [scores["loss"] or 0.0 for scores in per_task.values()]
    return float(losses @ totals / totals.sum()) if totals.sum() else None


def _or_none(value: np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)
