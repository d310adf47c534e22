"""`report.html`: one file that says how good a model is, and what to make of that.

Everything is in it: the style, the pictures (SVG), no script. What it shows are the numbers of
`evaluation/SPLIT.json`, the manifest of the dataset and the settings of the runs.
"""

import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import report_charts, report_findings, report_runs
from genokeras.evaluation.coverage_scores import ShownWindow
from genokeras.evaluation.report_charts import BASELINE
from genokeras.evaluation.scored_split import ScoredSplit
from genokeras.evaluation.scores import by_task
from genokeras.evaluation.verdict import leading, verdict_level
from genokeras.metrics.supervised import TITLES
from genokeras.models.spec import Spec
from genokeras.training.run_files import write
from genokeras.training.summaries import read_rows
from genokeras.training.workdir import Run
from tfrecords.manifest import Manifest
from tfrecords.origin import PLACE, origin

FILE = "report.html"
TEMPLATE = "report.html.jinja"
STYLE = "report.css"

_MAX_TASKS = 12  # Shown with pictures and mistakes; the table of tasks has all.
_MAX_BASES = 300  # Of a sequence; of longer ones the middle is shown.
_MAX_CURVES = 6  # Runs of an ensemble whose learning curves are drawn.
_MAX_SHARES = 3  # Tasks whose share of positives is in the table of splits.
_MISSING = "–"


def is_available() -> bool:
    """Whether Jinja can be loaded, which fills in the template."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        return False
    return True


def write_report(
    path: pathlib.Path,
    runs: Sequence[Run],
    manifest: Manifest,
    result: Mapping[str, Any],
    scored: ScoredSplit | Sequence[ShownWindow],
) -> None:
    """Writes the report on what `evaluate` returns; Jinja must be there (`is_available`).

    Args:
      path: The file; it appears by renaming.
      runs: The run, or the members of an ensemble.
      manifest: Of the dataset of the first one.
      result: As SPLIT.json holds it.
      scored: The predictions that it is of; of coverage windows to show.
    """
    write(path, render(_content(path, runs, manifest, result, scored)))


def render(content: Mapping[str, Any]) -> str:
    """Returns the page; all texts of `content` are escaped, but for charts."""
    import jinja2

    folder = pathlib.Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _number, "signed": _signed, "interval": _interval, "count": _count,
        "percent": _percent, "bases": _runs_of_bases,
    }  # fmt: skip
    style = (folder / STYLE).read_text()
    return environment.get_template(TEMPLATE).render(content, style=style)


def _content(
    path: pathlib.Path,
    runs: Sequence[Run],
    manifest: Manifest,
    result: Mapping[str, Any],
    scored: ScoredSplit | Sequence[ShownWindow],
) -> dict[str, Any]:
    """Returns what the template shows, by name."""
    metric = leading(result)
    histories = [read_rows(run.workdir) for run in runs]
    return {
        "result": result,
        "subject": _subject(runs, result),
        "metric": metric,
        "titles": TITLES,
        "baseline_name": BASELINE,
        "level": verdict_level(result),
        "findings": report_findings.findings(result, manifest, histories),
        "score_rows": [name for name in TITLES if name in result],
        "tasks": _tasks(manifest, result, scored),
        "max_tasks": _MAX_TASKS,
        "probes": result["probes"],
        "probe_kind": "prediction" if manifest.task_type == "regression" else "probability",
        "learning": _learning(runs, histories, np.atleast_1d(result["step"]), metric),
        "manifest": manifest,
        "bins": _bins(runs[0].spec),
        "splits": [_split(manifest, name) for name in manifest.splits],
        "runs": [report_runs.describe_run(run) for run in runs],
        "model": report_runs.describe_model(runs[0]),
        "commands": report_runs.commands(runs, result, path.parent),
        "knows_input_paths": report_runs.knows_input_paths(runs),
        "files": f"{report_runs.folder_of_files(runs, path.parent)}{result['split']}",
    }


def _subject(runs: Sequence[Run], result: Mapping[str, Any]) -> str:
    """Returns what was scored, for the title."""
    if len(runs) == 1:
        return result["model"]
    return f"ensemble of {len(runs)} runs of {result['model']}"


def _bins(spec: Spec) -> str:
    """Returns what windows of coverage are divided into; nothing of other tasks."""
    return f"{spec.num_bins:,} bins of {spec.bin_bp} bp" if spec.task_type == "coverage" else ""


def _tasks(
    manifest: Manifest, result: Mapping[str, Any], scored: ScoredSplit | Sequence[ShownWindow]
) -> list[dict[str, Any]]:
    """Returns scores, charts and mistakes of every task; charts and mistakes of the first ones."""
    tasks, metric = manifest.tasks, leading(result)
    pairs = zip(tasks, by_task(result, tasks), by_task(result["baseline"], tasks), strict=True)
    views = []
    for number, (task, scores, baseline) in enumerate(pairs):
        gap = {}
        if None not in (scores.get(metric), baseline.get(metric)):
            gap[metric] = scores[metric] - baseline[metric]
        view = {"name": task, "scores": scores, "baseline": baseline, "difference": gap}
        if number < _MAX_TASKS:
            if manifest.task_type == "coverage":
                view["charts"] = report_charts.coverage(scored, number, manifest.bin_bp)
            else:
                view["charts"] = _charts(scored, number, scores)
            view["group_charts"] = [
                report_charts.groups(kind, found, metric)
                for kind, found in scores.get("groups", {}).items()
                if found
            ]
            mistakes = [
                m | {"origin": origin(manifest, m["row"], **{x: m[x] for x in PLACE if x in m})}
                for m in result.get("mistakes", ())
                if m["task"] == task
            ]
            view["mistakes"] = [
                (title, [m for m in mistakes if (m["target"] > 0.5) == is_positive])
                for title, is_positive in (("False positives", False), ("False negatives", True))
            ]
        views.append(view)
    return views


def _charts(scored: ScoredSplit, column: int, scores: Mapping[str, Any]) -> list[str]:
    labels = scored.predictions.labels
    rows = labels.weight[:, column] > 0
    targets = labels.targets[rows, column]
    logits = {"model": scored.predictions.logits[rows, column]}
    if labels.task_type == "regression":
        return report_charts.scatter(targets, logits["model"])
    if scored.baseline_logits is not None:
        logits[BASELINE] = scored.baseline_logits[rows, column]
    drawn = report_charts.curves(targets, logits)
    return drawn + report_charts.reliability(scores.get("calibration"))


def _learning(
    runs: Sequence[Run],
    histories: Sequence[report_findings.History],
    steps: Sequence[int],
    metric: str,
) -> list[dict[str, Any]]:
    found = []
    for run, rows, step in list(zip(runs, histories, steps, strict=True))[:_MAX_CURVES]:
        charts = report_charts.learning(rows, int(step), metric)
        found.append({"workdir": str(run.workdir), "charts": charts})
    return [entry for entry in found if entry["charts"]]


def _split(manifest: Manifest, name: str) -> dict[str, Any]:
    described = manifest.statistics.get("splits", {}).get(name, {})
    return {
        "name": name,
        "examples": manifest.num_examples(name),
        "gc_content": described.get("gc_content"),
        "positive": _shares(described.get("tasks", {})),
        "copies": _sum(manifest.audit, name, "repeats", "reverse_complement_repeats"),
        "dropped": _sum(manifest.audit, name, "dropped"),
    }


def _shares(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Returns the share of positives of the first tasks, as text."""
    shares = []
    for task, found in list(counts.items())[:_MAX_SHARES]:
        labelled = found.get("positives", 0) + found.get("negatives", 0)
        share = _percent(found["positives"] / labelled) if labelled else _MISSING
        shares.append(f"{task} {share}" if len(counts) > 1 else share)
    return ", ".join(shares) + (", …" if len(counts) > _MAX_SHARES else "")


def _sum(audit: Mapping[str, Any], split: str, *names: str) -> str:
    """Returns the sum of counts of a split, as text; a dash if there was no audit."""
    found = [audit[name][split] for name in names if name in audit]
    return _count(sum(found)) if found else _MISSING


def _runs_of_bases(text: str) -> Iterator[tuple[str, str]]:
    """Yields letter by letter class and text of a sequence, equal letters together."""
    spare = len(text) - _MAX_BASES
    shown = text if spare <= 0 else text[spare // 2 :][:_MAX_BASES]
    if spare > 0:
        yield "", "…"
    for letter, group in itertools.groupby(shown):
        yield letter if letter in "ACGT" else "", "".join(group)
    if spare > 0:
        yield "", "…"


def _number(value: float | None, digits: int = 3) -> str:
    return _MISSING if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _signed(value: float | None, digits: int = 3) -> str:
    return _MISSING if value is None or not np.isfinite(value) else f"{value:+.{digits}f}"


def _interval(ends: Sequence[float] | None, sign: str = "") -> str:
    return f"[{ends[0]:{sign}.3f}, {ends[1]:{sign}.3f}]" if ends else ""


def _count(value: int) -> str:
    return f"{value:,}"


def _percent(value: float | None, digits: int = 0) -> str:
    return _MISSING if value is None else f"{value:.{digits}%}"
