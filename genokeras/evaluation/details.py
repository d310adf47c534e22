"""What lies behind the scores of a split: calibration, confusion, operating points, groups.

Shapes: `N` examples, `T` tasks.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from genokeras.evaluation.answers import Answers
from genokeras.evaluation.calibration import calibration, fit_temperature
from genokeras.evaluation.gc_by_class import gc_by_class
from genokeras.evaluation.groups import group_scores
from genokeras.evaluation.operating_points import confusion, operating_points
from genokeras.evaluation.scores import Labels, probability
from genokeras.evaluation.simple_repeats import longest_repeat_bp
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords.sequence import gc_content


def classifier_details(
    labels: Labels, answers: Answers, *, num_bootstrap: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Yields `calibration`, `confusion` and `operating_points`, task by task of a classifier.

    Thresholds and temperatures come from the valid split alone.
    """
    thresholds = answers.thresholds() or [None] * len(labels.tasks)
    for column, threshold in enumerate(thresholds):
        targets, logits = _labelled(labels, answers.logits, column)
        valid = answers.valid and _labelled(*answers.valid, column)
        temperature = valid and fit_temperature(*valid)
        probabilities = probability(logits)
        options = {"num_bootstrap": num_bootstrap, "seed": seed}
        at_valid = valid and (valid[0], probability(valid[1]))
        yield {
            "calibration": calibration(targets, logits, temperature, **options),
            "confusion": {
                "at_half": confusion(targets, probabilities, 0.5),
                "at_threshold": confusion(targets, probabilities, threshold),
            },
            "operating_points": operating_points(targets, probabilities, at_valid),
        }


def group_details(
    labels: Labels,
    windows: SplitWindows,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    *,
    num_bootstrap: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Yields `groups`, task by task: scores by GC content and by the longest simple repeat.

    Of a classifier also `gc_by_class`, as the module of that name returns it.
    """
    properties = {"gc_content": [], "longest_repeat_bp": []}
    for part in windows.parts():
        packed = part["sequence"], windows.length
        properties["gc_content"].append(gc_content(*packed))
        properties["longest_repeat_bp"].append(longest_repeat_bp(*packed))
    values = {name: np.concatenate(parts) for name, parts in properties.items()}
    options = {"num_bootstrap": num_bootstrap, "seed": seed}
    both = logits, baseline_logits
    for column in range(len(labels.tasks)):
        groups = {
            name: group_scores(of_examples, labels, column, *both, **options)
            for name, of_examples in values.items()
        }
        yield {"groups": groups} | _of_classes(labels, column, values["gc_content"])


def add_to_tasks(scores: dict[str, Any], per_task: Iterable[Mapping[str, Any]]) -> None:
    """Adds entries to the scores of every task, or to those of the only one."""
    places = list(scores["tasks"].values()) if "tasks" in scores else [scores]
    for place, entries in zip(places, per_task, strict=True):
        place.update(entries)


def _of_classes(labels: Labels, column: int, gc: np.ndarray) -> dict[str, Any]:
    if labels.task_type != "binary":
        return {}
    rows = labels.weight[:, column] > 0
    return {"gc_by_class": gc_by_class(labels.targets[rows, column], gc[rows])}


def _labelled(labels: Labels, logits: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns targets and logits, in float64, of the examples that have a label of one task."""
    rows = labels.weight[:, column] > 0
    return labels.targets[rows, column].astype(np.float64), logits[rows, column].astype(np.float64)
