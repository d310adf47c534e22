"""Scores as text that lines up: the model, the baseline, and the difference of the two."""

from collections.abc import Mapping, Sequence
from typing import Any

_METRICS = (
    *("auroc", "auprc", "mcc", "accuracy", "f1", "pearson_r", "spearman_r", "r2", "loss"),
    *("threshold", "mcc_at_threshold", "accuracy_at_threshold", "f1_at_threshold"),
)
_MAX_TASK_NAME = 40


def score_table(result: Mapping[str, Any]) -> str:
    """Returns the scores that `evaluate` returned, as aligned text."""
    strands = "both strands" if result["reverse_complement"] else "one strand"
    title = (
        f"{result['dataset']}, {result['split']} split: {result['n']:,} examples, {strands}, "
        f"checkpoint {result['checkpoint']} (step {result['step']})"
    )
    columns = {result["model"]: result}
    if result["baseline"]:
        columns |= {"6-mer baseline": result["baseline"], "difference": result["difference"]}
    names = [name for name in _METRICS if name in result]
    rows = [["", *columns]]
    for name in names:
        rows.append([name, *(_cell(x, name, x is result["difference"]) for x in columns.values())])
    text = [title, "", *_aligned(rows)]
    if "tasks" in result:
        text += ["", *_aligned(_task_rows(result, names[:2]))]
    return "\n".join(text)


def _task_rows(result: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    """Returns a header and a row for every task; the baseline with its first score only."""
    baseline = result["baseline"]["tasks"] if result["baseline"] else {}
    rows = [["task", "n", *names, *([f"6-mer {names[0]}"] if baseline else [])]]
    for task, scores in result["tasks"].items():
        cells = [_cell(scores, name) for name in names]
        cells += [_cell(baseline[task], names[0])] if baseline else []
        rows.append([task[:_MAX_TASK_NAME], f"{scores['n']:,}", *cells])
    return rows


def _cell(scores: Mapping[str, Any], name: str, is_signed: bool = False) -> str:
    """A number with its interval; a dash where it is undefined."""
    if scores.get(name) is None:
        return "-"
    sign = "+" if is_signed else ""
    ends = scores.get(f"{name}_ci")
    interval = f" [{ends[0]:{sign}.4f}, {ends[1]:{sign}.4f}]" if ends else ""
    return f"{scores[name]:{sign}.4f}{interval}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
