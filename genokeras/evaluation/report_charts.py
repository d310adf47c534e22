"""The pictures of a report, as SVG that takes its colours from the page.

Shapes: `N` examples of one task: targets, logits (predictions of a regression) `[N]`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation.coverage_scores import ShownWindow
from genokeras.metrics.counts import ratio
from genokeras.metrics.supervised import TITLES
from genokeras.plots import figure
from genokeras.plots.roc_pr import roc_points, settled_pr_points
from genokeras.plots.svg import SERIES, Axis, Chart

BASELINE = "6-mer baseline"
_MAX_DOTS = 800
_MAX_BINS = 400
_GROUP_TITLES = {
    "gc_content": ("By GC content", "GC content", 100.0, "%"),
    "longest_repeat_bp": ("By longest simple repeat", "Longest repeat (bp)", 1.0, ""),
}


def curves(targets: np.ndarray, logits: Mapping[str, np.ndarray]) -> list[str]:
    """Draws ROC and precision-recall curves; nothing if there is one class only.

    Precision is drawn from as many calls on as in `draw_roc_pr`.
    `logits` maps a label of the legend to logits, the model's first.
    """
    share = float(np.mean(targets > 0.5)) if len(targets) else 0.0
    if not 0 < share < 1:
        return []
    roc = Chart("ROC", Axis("False positive rate", 0, 1), Axis("True positive rate", 0, 1))
    pr = Chart("Precision and recall", Axis("Recall", 0, 1), Axis("Precision", 0, 1))
    roc.reference([(0, 0), (1, 1)])
    pr.reference([(0, share), (1, share)])
    # The model's line is drawn last, so that it lies above the baseline's.
    for series, (label, scores) in reversed(list(zip(SERIES, logits.items(), strict=False))):
        roc.line(np.stack(roc_points(scores, targets), axis=1), series, label)
        points = np.stack(settled_pr_points(scores, targets), axis=1)
        pr.line(points, series, label, steps=True)
    return [roc.svg(), pr.svg()]


def scatter(targets: np.ndarray, predictions: np.ndarray) -> list[str]:
    """Draws true against predicted values, some of them if they are many."""
    if not len(targets):
        return []
    both = np.concatenate([targets, predictions])
    x, y = Axis.around("True", both), Axis.around("Predicted", both)
    chart = Chart("True and predicted", x, y).reference([(x.low, x.low), (x.high, x.high)])
    sample = figure.evenly(len(targets), _MAX_DOTS)
    points = np.stack([targets[sample], predictions[sample]], axis=1)
    return [chart.dots(points, "model", radius=2).svg()]


def coverage(windows: Sequence[ShownWindow], column: int, bin_bp: int) -> list[str]:
    """Draws what is true and predicted of one track along some windows.

    Of more bins than a chart has room for, the means of some that are neighbours.
    """
    charts = []
    for window in windows:
        joined = -(-len(window.true) // _MAX_BINS)
        both = (values[:, column] for values in (window.true, window.predicted))
        true, predicted = (_means(values, joined) for values in both)
        middles = (np.arange(len(true)) - (len(true) - 1) / 2) * bin_bp * joined
        x = Axis(f"bp from the middle of {window.place}", middles[0] - 1, middles[-1] + 1)
        unit = "Coverage" if joined == 1 else f"Coverage, means of {joined} bins"
        y = Axis(unit, 0, 1.05 * np.nanmax([0, *true, *predicted]) or 1.0)
        chart = Chart(f"{window.kind.capitalize()} window, r {window.pearson_r:.2f}", x, y)
        chart.area(np.stack([middles, true], axis=1), "observed")
        charts.append(
            chart.line(np.stack([middles, predicted], axis=1), "model", "predicted").svg()
        )
    return charts


def reliability(calibration: Mapping[str, Any] | None) -> list[str]:
    """Draws the share of positives by probability, before and after the temperature."""
    if not calibration or not calibration["bins"]:
        return []
    chart = Chart("Calibration", Axis("Mean probability", 0, 1), Axis("Share of positives", 0, 1))
    chart.reference([(0, 0), (1, 1)])
    bins = calibration["bins"]
    chart.whiskers([(b["mean_probability"], *b["share_positive_ci"]) for b in bins], "model")
    chart.dots([(b["mean_probability"], b["share_positive"]) for b in bins], "model", "as it is")
    if after := calibration["bins_after_temperature"]:
        points = [(b["mean_probability"], b["share_positive"]) for b in after]
        chart.line(points, "third", f"after temperature {calibration['temperature']:.2f}")
    return [chart.svg()]


def groups(kind: str, found: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Draws the scores of groups of examples, with intervals, the baseline's beside."""
    title, label, scale, unit = _GROUP_TITLES[kind]
    labels = [(place, _range(group, scale, unit)) for place, group in enumerate(found)]
    names = {"model": metric, "baseline": f"baseline_{metric}"}
    ends = [
        value
        for group in found
        for name in names.values()
        for value in (group.get(name), *(group.get(f"{name}_ci") or ()))
    ]
    x = Axis(label, -0.5, len(found) - 0.5, labels)
    chart = Chart(title, x, Axis.around(TITLES[metric], ends))
    for series, name in names.items():
        shift = -0.09 if series == "model" else 0.09
        rows = [(k + shift, g) for k, g in enumerate(found) if g.get(name) is not None]
        chart.whiskers([(k, *g[f"{name}_ci"]) for k, g in rows if g[f"{name}_ci"]], series)
        if rows:
            label = "model" if series == "model" else BASELINE
            chart.dots([(k, g[name]) for k, g in rows], series, label)
    return chart.svg()


def learning(rows: Sequence[Mapping[str, Any]], scored_step: int, metric: str) -> list[str]:
    """Draws the loss and the leading metric of a run by step, on training and valid examples."""
    return [
        chart
        for name in ("loss", metric)
        if (chart := _learning_curve(rows, scored_step, name)) is not None
    ]


def _learning_curve(rows: Sequence[Mapping[str, Any]], scored_step: int, name: str) -> str | None:
    lines = {}
    for part, label in (("valid", "valid split"), ("train", "training examples")):
        points = [(row["step"], row.get(part, {}).get(name)) for row in rows]
        lines[label] = [(step, value) for step, value in points if value is not None]
    values = [value for points in lines.values() for _, value in points]
    if not values:
        return None
    last = max(step for points in lines.values() for step, _ in points)
    y = Axis.around(TITLES[name], values)
    chart = Chart(TITLES[name], Axis("Step", 0, max(last, 1)), y)
    chart.reference([(scored_step, y.low), (scored_step, y.high)])
    for series, (label, points) in zip(("model", "third"), lines.items(), strict=True):
        if points:
            chart.line(points, series, label)
    return chart.svg()


def _means(values: np.ndarray, size: int) -> np.ndarray:
    """Returns the means of every `size` values, the last of perhaps fewer; NaN are left out."""
    filled = np.full((-(-len(values) // size), size), np.nan)
    filled.flat[: len(values)] = values
    known = ~np.isnan(filled)
    return ratio(np.where(known, filled, 0).sum(axis=1), known.sum(axis=1))


def _range(group: Mapping[str, Any], scale: float, unit: str) -> str:
    low, high = (f"{group[end] * scale:.0f}" for end in ("from", "to"))
    return f"{low}{unit}" if low == high else f"{low}–{high}{unit}"
