"""A comparison as text: Markdown that lines up, tab-separated columns, and what JSON holds."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from genokeras.comparison.results import COSTS, DONE, Line, Row, direction
from genokeras.comparison.runs import SCORED_WITH
from genokeras.comparison.spread import Estimate

_COLUMNS = (
    *("dataset", "configuration", "metric", "score", "low", "high", "interval_covers", "seeds"),
    *("missing", "difference", "difference_low", "difference_high", "p", "p_corrected", "verdict"),
    *COSTS,
)
_BETTER = {1: ", more is better", -1: ", less is better", 0: ""}


def markdown(lines: Sequence[Line], rows: Sequence[Row], reference: str, split: str) -> str:
    """Returns a table for each dataset and metric, how to read them, and what is missing."""
    parts = []
    for place in dict.fromkeys((line.dataset, line.metric) for line in lines):
        dataset, metric = place
        parts.append(f"## {dataset}: {metric} on {split}{_BETTER[direction(metric)]}")
        shown = [line for line in lines if (line.dataset, line.metric) == place]
        heads = [
            *("configuration", metric, f"difference to {reference}", "p", ""),
            *("seeds", "parameters", "minutes", "CPU minutes"),
        ]
        parts.append(_aligned([heads, *map(_cells, shown)]))
    if lines:
        parts.append("\n".join(_notes(lines)))
    if gaps := missing(lines, rows):
        parts.append("\n".join(["Missing:", "", *(f"- {gap}" for gap in gaps)]))
    return "\n\n".join(parts) + "\n"


def missing(lines: Sequence[Line], rows: Sequence[Row]) -> list[str]:
    """Returns a text for each run that has no score by one of the metrics, and why."""
    metrics = list(dict.fromkeys(line.metric for line in lines))
    found = []
    for row in rows:
        if row.state != DONE:
            found.append(f"{row.run.title}: {row.reason}")
        found += [
            f"{row.run.title}: it has no {metric}, or it is undefined"
            for metric in metrics
            if row.state == DONE and row.value(metric) is None
        ]
    return found


def tsv(lines: Sequence[Line]) -> str:
    """Returns the numbers of the tables, nine digits of each, empty where there is none."""
    text = ["\t".join(_COLUMNS)]
    for line in lines:
        score, difference = line.score, line.difference
        values = [
            *(line.dataset, line.configuration, line.metric, *_mean_and_ends(score)),
            *(score and score.covers, ",".join(map(str, line.scores)), line.missing),
            *_mean_and_ends(difference),
            *(difference and difference.p, line.p_corrected, line.verdict),
            *(line.costs[name] for name in COSTS),
        ]
        text.append("\t".join(map(_plain, values)))
    return "\n".join(text) + "\n"


def as_json(
    lines: Sequence[Line], rows: Sequence[Row], reference: str, split: str
) -> dict[str, Any]:
    """Returns all runs with their scores, and all lines of the tables."""
    return {
        "split": split,
        "reference": reference,
        "scored_with": SCORED_WITH,
        "rows": [_row_as_json(row) for row in rows],
        "lines": [_line_as_json(line) for line in lines],
    }


def _line_as_json(line: Line) -> dict[str, Any]:
    found = dataclasses.asdict(line)
    if line.score:
        del found["score"]["p"]  # That a score is not 0 is no question.
    return found


def _row_as_json(row: Row) -> dict[str, Any]:
    about = {
        "dataset": row.run.dataset.name,
        "configuration": row.run.configuration.name,
        "flags": list(row.run.configuration.flags),
        "seed": row.run.seed,
        "state": row.state,
        "reason": row.reason,
        "workdir": str(row.run.workdir),
    }
    scores = {
        name: score
        for name, score in row.scores.items()
        if "." not in name and (row.value(name) is not None or name.endswith("_ci"))
    }
    return about | {name: getattr(row, name) for name in COSTS} | {"scores": scores}


def _cells(line: Line) -> list[str]:
    parameters, minutes, cpu_minutes = (line.costs[name] for name in COSTS)
    seeds = len(line.scores)
    return [
        line.configuration,
        _interval(line.score),
        _interval(line.difference, is_signed=True),
        "" if line.p_corrected is None else _p(line.p_corrected),
        line.verdict + ", one seed" * (line.verdict != "" and len(line.differences) == 1),
        f"{seeds} of {seeds + line.missing}" if line.missing else str(seeds),
        "" if parameters is None else f"{parameters:,.0f}",
        "" if minutes is None else f"{minutes:.1f}",
        "" if cpu_minutes is None else f"{cpu_minutes:.1f}",
    ]


def _notes(lines: Sequence[Line]) -> list[str]:
    covers = {line.score.covers for line in lines if line.score} - {"nothing"}
    notes = [
        "In brackets: 95% intervals, over "
        + ("; or ".join(sorted(covers)) if covers else "nothing, as there is one number of each")
        + ". p: how often a difference as large would come by chance, over the same, corrected by "
        "Holm's method for the number of configurations in the table.",
    ]
    if any(len(line.scores) == 1 for line in lines):
        notes.append(
            "Where there is one seed, intervals and p are about these trained networks: another "
            "seed may turn a difference around, and how far seeds move it is not known."
        )
    return notes


def _mean_and_ends(estimate: Estimate | None) -> tuple[float | None, ...]:
    if estimate is None:
        return None, None, None
    return estimate.mean, *(estimate.ci or (None, None))


def _interval(estimate: Estimate | None, is_signed: bool = False) -> str:
    if estimate is None:
        return ""
    sign = "+" if is_signed else ""
    ends = " [{:{sign}.4f}, {:{sign}.4f}]".format(*estimate.ci, sign=sign) if estimate.ci else ""
    return f"{estimate.mean:{sign}.4f}{ends}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [list(map(str.ljust, row, widths)) for row in rows]
    cells.insert(1, ["-" * max(width, 3) for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
