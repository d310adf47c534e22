"""Scores of the examples of a kind: where along GC content or repetitiveness a model is weak.

Groups hold about as many examples each (fifths of the split, equal values together), so that their
scores are about equally sure. Groups differ in their share of positives; AUROC does not depend on
that. A model that only reads off GC content does worse inside each group than over all of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap
from genokeras.evaluation.bins import equal_mass_bins
from genokeras.evaluation.scores import Labels
from genokeras.metrics.supervised import METRICS

NUM_GROUPS = 5


def group_scores(
    values: np.ndarray,
    labels: Labels,
    column: int,
    logits: np.ndarray,
    baseline_logits: np.ndarray | None,
    *,
    num_bootstrap: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores one task in groups of examples, lowest values first.

    Args:
      values: What to group by, `[N]`; NaN is in no group.
      labels: Of all `N` examples.
      column: Number of the task.
      logits: Of the model, `[N, T]`.
      baseline_logits: Of the baseline, or None.
      num_bootstrap: Resamples behind the intervals; 0 leaves these out.
      seed: Of the resamples.

    Returns:
      For each group `from` and `to` (its lowest and highest value), `n` (labelled examples), of a
      classifier `positives`, and the task type's first metric (`auroc` or `pearson_r`) of the model
      and of the baseline (`baseline_...`), each with its interval (`..._ci`); None where undefined.
    """
    name = next(iter(METRICS[labels.task_type]))
    columns = {name: logits[:, column]}
    if baseline_logits is not None:
        columns[f"baseline_{name}"] = baseline_logits[:, column]
    bins = equal_mass_bins(values, NUM_GROUPS)
    result = []
    for number in range(bins.max(initial=-1) + 1):
        inside = values[bins == number]
        rows = np.flatnonzero((bins == number) & (labels.weight[:, column] > 0))
        targets = labels.targets[rows, column]
        group = {"from": _plain(inside.min()), "to": _plain(inside.max()), "n": len(rows)}
        if labels.task_type == "binary":
            group["positives"] = int(np.sum(targets > 0.5))
        for key, scores in columns.items():
            metric = METRICS[labels.task_type][name]
            value, ends = _score(metric, targets, scores[rows], num_bootstrap, seed)
            group |= {key: value, f"{key}_ci": ends}
        result.append(group)
    return result


def _score(
    metric: Any, targets: np.ndarray, scores: np.ndarray, num_bootstrap: int, seed: int
) -> tuple[float | None, Sequence[float] | None]:
    if not len(targets):
        return None, None
    # Sorted once, which makes the sorting of the metric quick.
    order = np.argsort(scores, kind="stable")
    targets, scores = targets[order].astype(np.float64), scores[order].astype(np.float64)
    value = float(metric(targets, scores, np.ones((1, len(targets))))[0])
    if not np.isfinite(value):
        return None, None
    if not num_bootstrap:
        return value, None
    samples = bootstrap.resampled_scores(
        lambda counts: {"": metric(targets, scores, counts)},
        len(targets),
        num_resamples=num_bootstrap,
        seed=seed,
    )
    ends = bootstrap.interval(samples[""])
    return value, ends and list(ends)


def _plain(value: np.generic) -> int | float:
    return int(value) if value == int(value) and value.dtype.kind == "i" else float(value)
