"""Scores of the examples of a kind: where along GC content or repetitiveness a model is weak.

Groups hold about as many examples each (fifths of the split, equal values together), so that their
scores are about equally sure. Groups differ in their share of positives; AUROC does not depend on
that. A model that only reads off GC content does worse inside each group than over all of them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap
from genokeras.evaluation.bins import equal_mass_bins
from genokeras.evaluation.scores import Labels
from genokeras.metrics.supervised import METRICS, Metric

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
    metric = METRICS[labels.task_type][name]
    result = []
    for number in range(bins.max(initial=-1) + 1):
        inside = values[bins == number]
        rows = np.flatnonzero((bins == number) & (labels.weight[:, column] > 0))
        targets = labels.targets[rows, column].astype(np.float64)
        group = {"from": _plain(inside.min()), "to": _plain(inside.max()), "n": len(rows)}
        if labels.task_type == "binary":
            group["positives"] = int(np.sum(targets > 0.5))
        of_group = {key: scores[rows].astype(np.float64) for key, scores in columns.items()}
        result.append(group | _scores(metric, targets, of_group, num_bootstrap, seed))
    return result


def _scores(
    metric: Metric,
    targets: np.ndarray,
    columns: Mapping[str, np.ndarray],
    num_bootstrap: int,
    seed: int,
) -> dict[str, Any]:
    """Scores columns of logits on the same examples, and on the same resamples of them."""

    def score(counts: np.ndarray) -> dict[str, np.ndarray]:
        return {key: metric(targets, scores, counts) for key, scores in columns.items()}

    result: dict[str, Any] = {}
    samples = {}
    if num_bootstrap and len(targets):
        options = {"num_resamples": num_bootstrap, "seed": seed}
        samples = bootstrap.resampled_scores(score, len(targets), **options)
    for key in columns:
        value = score(np.ones((1, len(targets))))[key][0] if len(targets) else np.nan
        ends = bootstrap.interval(samples[key]) if key in samples else None
        result[key] = float(value) if np.isfinite(value) else None
        result[f"{key}_ci"] = None if result[key] is None else ends
    return result


def _plain(value: np.generic) -> int | float:
    return int(value) if value.dtype.kind == "i" else float(value)
