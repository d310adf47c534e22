"""The picture of an evaluation: curves of a classifier, true against predicted of a regression."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from genokeras.evaluation.scores import Labels
from genokeras.plots.roc_pr import Curve, draw_roc_pr
from genokeras.plots.scatter import Cloud, draw_scatter

# With more tasks the baseline's curves would only hide the model's.
_MAX_TASKS_WITH_BASELINE = 3
_MODEL, _BASELINE = "model", "6-mer baseline"


def draw_split(
    result: Mapping[str, Any],
    labels: Labels,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    path: pathlib.Path,
) -> None:
    """Draws the predictions `[N, T]` that `result`, as `evaluate` returns it, scores."""
    title = f"{result['dataset']}, {result['split']} split: {result['n']:,} examples"
    if labels.task_type == "regression":
        draw_scatter(_clouds(result, labels, logits), path, title)
        return
    curves = _curves(result, labels, logits, _MODEL)
    if baseline_logits is not None and len(labels.tasks) <= _MAX_TASKS_WITH_BASELINE:
        curves += _curves(result["baseline"], labels, baseline_logits, _BASELINE)
    draw_roc_pr(curves, path, title)


def _curves(
    scores: Mapping[str, Any], labels: Labels, logits: np.ndarray, name: str
) -> list[Curve]:
    curves = []
    for column, (task, of_task) in enumerate(_by_task(scores, labels)):
        rows = labels.weight[:, column] > 0
        is_baseline = name == _BASELINE
        label = name if len(labels.tasks) == 1 else task
        text = f"{task}, {name}" if is_baseline and len(labels.tasks) > 1 else label
        curves.append(
            Curve(
                label,
                logits[rows, column],
                labels.targets[rows, column],
                auroc=f"{text}: AUROC {_shown(of_task, 'auroc')}",
                auprc=f"{text}: AUPRC {_shown(of_task, 'auprc')}",
                is_baseline=is_baseline,
            )
        )
    return curves


def _clouds(scores: Mapping[str, Any], labels: Labels, predictions: np.ndarray) -> list[Cloud]:
    clouds = []
    for column, (task, of_task) in enumerate(_by_task(scores, labels)):
        rows = labels.weight[:, column] > 0
        text = f"{task}\nPearson r {_shown(of_task, 'pearson_r')}"
        clouds.append(Cloud(text, labels.targets[rows, column], predictions[rows, column]))
    return clouds


def _by_task(scores: Mapping[str, Any], labels: Labels) -> list[tuple[str, Mapping[str, Any]]]:
    return [(task, scores.get("tasks", {}).get(task, scores)) for task in labels.tasks]


def _shown(scores: Mapping[str, Any], name: str) -> str:
    if scores[name] is None:
        return "undefined"
    ends = scores.get(f"{name}_ci")
    return f"{scores[name]:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
