"""Scores as text that lines up: the model, the baseline, and the difference of the two.

Below: the members of an ensemble, tasks, what thresholds are, and who is better.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_METRICS = (
    *("auroc", "auprc", "mcc", "accuracy", "f1", "pearson_r", "spearman_r", "r2", "log_total_r"),
    *("profile_jsd", "mean_profile_jsd", "loss"),
    *("cross_entropy", "cross_entropy_outside_repeats", "cross_entropy_in_repeats"),
    *("expected_loss", "perplexity", "perplexity_outside_repeats", "perplexity_in_repeats"),
    *("accuracy_outside_repeats", "accuracy_in_repeats"),
    *("threshold", "mcc_at_threshold", "accuracy_at_threshold", "f1_at_threshold"),
)
_AT_THRESHOLD = "_at_threshold"
_MAX_TASK_NAME = 40


def score_table(result: Mapping[str, Any]) -> str:
    """Returns the scores that `evaluate` returned, as aligned text."""
    members = result.get("members")
    columns = {f"ensemble of {len(members)}" if members else result["model"]: result}
    if result["baseline"]:
        columns |= {_baseline(result): result["baseline"], "difference": result["difference"]}
    names = [name for name in _METRICS if any(name in scores for scores in columns.values())]
    # Of several tasks each has a threshold of its own; without a valid split there is none.
    shown = [name for name in names if any(x.get(name) is not None for x in columns.values())]
    rows = [["", *columns]]
    for name in shown:
        rows.append([name, *(cell(x, name, x is result["difference"]) for x in columns.values())])
    text = [_title(result), "", *aligned(rows)]
    if members:
        text += ["", *aligned(_member_rows(members, names[:2]))]
    if "tasks" in result:
        text += ["", *aligned(_task_rows(result, names[:2]))]
    notes = _notes(result, names, shown)
    return "\n".join(text + ([""] + notes if notes else []))


def _baseline(result: Mapping[str, Any]) -> str:
    context_bp = result["baseline"].get("context_bp")
    return f"{context_bp} bases on either side" if context_bp else "6-mer baseline"


def _title(result: Mapping[str, Any]) -> str:
    strands = "both strands" if result["reverse_complement"] else "one strand"
    step = result["step"]
    steps = "steps " + ", ".join(map(str, step)) if isinstance(step, list) else f"step {step}"
    return (
        f"{result['dataset']}, {result['split']} split: {result['n']:,} examples, {strands}, "
        f"checkpoint {result['checkpoint']} ({steps})"
    )


def _notes(result: Mapping[str, Any], names: Sequence[str], shown: Sequence[str]) -> list[str]:
    notes = []
    if any(name.endswith(_AT_THRESHOLD) for name in shown):
        notes += [
            "threshold: the probability with the best F1 on the valid split, of each model.",
            "*_at_threshold are scores at it; mcc, accuracy and f1 are those at probability 0.5.",
        ]
    elif any(name.endswith(_AT_THRESHOLD) for name in names):
        notes.append("No rows at a threshold: there is no valid split to choose it on.")
    if result.get("verdict"):
        notes.append(result["verdict"])
    return notes


def _member_rows(members: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    """Returns a header and a row for every member of an ensemble."""
    rows = [[cell(member, name) for name in names] for member in members]
    titles = [member["workdir"] for member in members]
    return [["member", *names], *([title, *row] for title, row in zip(titles, rows, strict=True))]


def _task_rows(result: Mapping[str, Any], names: Sequence[str]) -> list[list[str]]:
    """Returns a header and a row for every task; the baseline with its first score only."""
    baseline = result["baseline"]["tasks"] if result["baseline"] else {}
    rows = [["task", "n", *names, *([f"6-mer {names[0]}"] if baseline else [])]]
    for task, scores in result["tasks"].items():
        cells = [cell(scores, name) for name in names]
        cells += [cell(baseline[task], names[0])] if baseline else []
        rows.append([task[:_MAX_TASK_NAME], f"{scores['n']:,}", *cells])
    return rows


def cell(scores: Mapping[str, Any], name: str, is_signed: bool = False) -> str:
    """A number with its interval; a dash where it is undefined."""
    if scores.get(name) is None:
        return "-"
    sign = "+" if is_signed else ""
    ends = scores.get(f"{name}_ci")
    interval = f" [{ends[0]:{sign}.4f}, {ends[1]:{sign}.4f}]" if ends else ""
    return f"{scores[name]:{sign}.4f}{interval}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns lines with a rule below the first row, which is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
