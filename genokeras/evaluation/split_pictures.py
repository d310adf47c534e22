"""The pictures of an evaluation, each a file of its own for a page or a slide.

Of a classifier `roc_pr` (curves), `calibration`, `thresholds` and `confusion`; of a regression
`scatter` (true against predicted); of both `groups` (scores by GC content and repeats).
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from genokeras.evaluation.scores import Labels, by_task, probability
from genokeras.evaluation.threshold import cuts
from genokeras.evaluation.verdict import leading
from genokeras.metrics.supervised import TITLES
from genokeras.plots.confusion import Matrix, draw_confusion
from genokeras.plots.group_scores import Grouping, draw_group_scores
from genokeras.plots.reliability import Reliability, draw_reliability
from genokeras.plots.roc_pr import Curve, draw_roc_pr, fewest_calls
from genokeras.plots.scatter import Cloud, draw_scatter
from genokeras.plots.threshold_curves import Sweep, draw_threshold_curves

KINDS = {
    "binary": ("roc_pr", "calibration", "thresholds", "confusion", "groups"),
    "regression": ("scatter", "groups"),
}
# With more tasks the baseline's curves would only hide the model's.
_MAX_TASKS_WITH_BASELINE = 3
_MAX_RELIABILITY_CURVES = 6
_MODEL, _BASELINE = "model", "6-mer baseline"
_GROUP_TITLES = {"gc_content": "GC content", "longest_repeat_bp": "Longest simple repeat (bp)"}


def draw_pictures(
    result: Mapping[str, Any],
    labels: Labels,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    folder: pathlib.Path,
) -> None:
    """Draws everything into files `SPLIT.KIND.png`.

    Args:
      result: As `evaluate` returns it.
      labels: Of the split.
      logits: Of the model, `[N, T]`.
      baseline_logits: Of the baseline, or None.
      folder: Where the files go.
    """
    split = result["split"]
    paths = {kind: folder / f"{split}.{kind}.png" for kind in KINDS[labels.task_type]}
    both, title = (logits, baseline_logits), _title(result)
    draw_split(result, labels, *both, paths.get("roc_pr") or paths["scatter"])
    draw_group_scores(
        _groupings(result, labels),
        paths["groups"],
        TITLES[leading(result)],
        title,
    )
    if labels.task_type == "binary":
        spread = _spread(labels, logits)
        draw_reliability(_reliability(result, labels), spread, paths["calibration"], title)
        draw_threshold_curves(_sweeps(result, labels, *both), paths["thresholds"], title)
        draw_confusion(_matrices(result, labels), paths["confusion"], title)


def draw_split(
    result: Mapping[str, Any],
    labels: Labels,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    path: pathlib.Path,
) -> None:
    """Draws the predictions `[N, T]` of scored examples in one picture: curves, or points.

    `result` holds the scores, as `evaluate` returns them.
    """
    title = _title(result)
    if labels.task_type == "regression":
        draw_scatter(_clouds(result, labels, logits, baseline_logits), path, title)
        return
    curves = _curves(result, labels, logits, _MODEL)
    if baseline_logits is not None and len(labels.tasks) <= _MAX_TASKS_WITH_BASELINE:
        curves += _curves(result["baseline"], labels, baseline_logits, _BASELINE)
    draw_roc_pr(curves, path, title)


def _curves(
    scores: Mapping[str, Any], labels: Labels, logits: np.ndarray, name: str
) -> list[Curve]:
    curves = []
    for column, (task, of_task) in enumerate(_named(scores, labels)):
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


def _clouds(
    result: Mapping[str, Any],
    labels: Labels,
    predictions: np.ndarray,
    baseline_predictions: np.ndarray | None,
) -> list[Cloud]:
    models = [(_MODEL, result, predictions)]
    if baseline_predictions is not None and len(labels.tasks) <= _MAX_TASKS_WITH_BASELINE:
        models.append((_BASELINE, result["baseline"], baseline_predictions))
    clouds = []
    for column, task in enumerate(labels.tasks):
        rows = labels.weight[:, column] > 0
        for name, scores, values in models:
            of_task = by_task(scores, labels.tasks)[column]
            text = f"{task}, {name}\nPearson r {_shown(of_task, 'pearson_r')}"
            pair = labels.targets[rows, column], values[rows, column]
            clouds.append(Cloud(text, *pair, task=task, is_baseline=name == _BASELINE))
    return clouds


def _reliability(result: Mapping[str, Any], labels: Labels) -> list[Reliability]:
    """Model, model after its temperature and baseline of one task; the models of several."""
    tasks = _named(result, labels)
    if len(tasks) > 1:
        return [
            Reliability(f"{task}: ECE {_digits(scores['calibration']['ece'])}", bins)
            for task, scores in tasks[:_MAX_RELIABILITY_CURVES]
            if (bins := scores["calibration"]["bins"])
        ]
    found = result["calibration"]
    curves = [Reliability(f"model: ECE {_shown(found, 'ece')}", found["bins"])]
    if result["baseline"]:
        of_baseline = result["baseline"]["calibration"]
        text = f"{_BASELINE}: ECE {_shown(of_baseline, 'ece')}"
        curves.append(Reliability(text, of_baseline["bins"], is_baseline=True))
    if found["bins_after_temperature"] is not None:
        text = (
            f"model / temperature {found['temperature']:.2f}: "
            f"ECE {_digits(found['ece_after_temperature'])}"
        )
        curves.append(Reliability(text, found["bins_after_temperature"], is_secondary=True))
    return curves


def _spread(labels: Labels, logits: np.ndarray) -> dict[str, np.ndarray]:
    """Probabilities of positives and negatives, of all tasks together."""
    labelled, is_positive = labels.weight > 0, labels.targets > 0.5
    probabilities = probability(logits)
    return {
        "positives": probabilities[labelled & is_positive],
        "negatives": probabilities[labelled & ~is_positive],
    }


def _sweeps(
    result: Mapping[str, Any],
    labels: Labels,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
) -> list[Sweep]:
    models = [(_MODEL, result, logits)]
    if baseline_logits is not None and len(labels.tasks) == 1:
        models.append((_BASELINE, result["baseline"], baseline_logits))
    sweeps = []
    for name, scores, values in models:
        for column, (task, of_task) in enumerate(_named(scores, labels)):
            found = cuts(
                probability(values[:, column]), labels.targets[:, column], labels.weight[:, column]
            )
            if found is None:
                continue
            called = found.true_positives + found.false_positives
            curves = {
                "precision": np.where(
                    called >= fewest_calls(found.positives), found.precision, np.nan
                ),
                "recall": found.recall,
                "specificity": 1 - found.false_positive_rate,
                "F1": found.f1,
                "MCC": found.mcc,
            }
            chosen = {"0.5": 0.5}
            if of_task["threshold"] is not None:
                chosen = {"best F1 on valid": of_task["threshold"]} | chosen
            text = name if len(labels.tasks) == 1 else task
            sweeps.append(Sweep(text, found.thresholds, curves, chosen))
    return sweeps


def _matrices(result: Mapping[str, Any], labels: Labels) -> list[Matrix]:
    """Of one task the model and the baseline at 0.5 and at their thresholds.

    Of several the model of each, at its threshold, or at 0.5 if there is none.
    """
    places = {"at_half": "at 0.5", "at_threshold": "at the best F1 on valid"}
    models = _named(result, labels)
    if len(models) == 1:
        models = [(_MODEL, result)]
        models += [(_BASELINE, result["baseline"])] if result["baseline"] else []
    matrices = []
    for name, scores in models:
        cells = {place: scores["confusion"][place] for place in places}
        found = [Matrix(f"{name}\n{places[place]}", x) for place, x in cells.items() if x]
        matrices += found if len(labels.tasks) == 1 else found[-1:]
    return matrices


def _groupings(result: Mapping[str, Any], labels: Labels) -> list[list[Grouping]]:
    metric = leading(result)
    keys = {_MODEL: metric}
    if result["baseline"]:
        keys[_BASELINE] = f"baseline_{metric}"
    rows = []
    for task, scores in _named(result, labels):
        text = "" if len(labels.tasks) == 1 else task
        groups = scores["groups"].items()
        rows.append([Grouping(text, _GROUP_TITLES[name], found, keys) for name, found in groups])
    return rows


def _title(result: Mapping[str, Any]) -> str:
    return f"{result['dataset']}, {result['split']} split: {result['n']:,} examples"


def _digits(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _named(scores: Mapping[str, Any], labels: Labels) -> list[tuple[str, Mapping[str, Any]]]:
    return list(zip(labels.tasks, by_task(scores, labels.tasks), strict=True))


def _shown(scores: Mapping[str, Any], name: str) -> str:
    if scores[name] is None:
        return "undefined"
    ends = scores.get(f"{name}_ci")
    return f"{scores[name]:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
