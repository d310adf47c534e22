"""What probes found, as text that lines up."""

from collections.abc import Mapping, Sequence
from typing import Any

from genokeras.evaluation.score_table import aligned, cell
from genokeras.metrics.supervised import TITLES
from genokeras.probing.rows import METRICS, num_tasks, shown_rows


def probe_table(result: Mapping[str, Any]) -> str:
    """Returns what `probe` returned as text; of several tasks the means."""
    metrics, rows = METRICS[result["task_type"]], shown_rows(result)
    windows = ", ".join(f"{count:,} {split}" for split, count in result["windows"].items())
    text = [f"{result['dataset']}, test split; windows: {windows}", ""]
    table = [["encoder", "dimensions", "labels", *(TITLES[name] for name in metrics)]]
    for row in rows:
        share = f"{row['labels']:,} ({_percent(row['fraction'])})"
        cells = [cell(row, name) for name in metrics]
        table.append([row["encoder"], str(row["dimensions"]), share, *cells])
    text += aligned(table)
    if result["settings"]["draws"] > 1 and any(row["draws"] > 1 for row in rows):
        text.append(f"Of fewer labels than all: means over {max(r['draws'] for r in rows)} draws.")
    if num_tasks(result) > 1:
        text.append(f"Means over {num_tasks(result)} tasks; the file has each of them.")
    text += _seen(result)
    text += _differences(rows, metrics[0])
    if result["nuisances"]:
        text += ["", *_nuisances(result["nuisances"])]
    if result["noise"]:
        text += ["", *_bounds(result["noise"])]
    return "\n".join(text)


def _seen(result: Mapping[str, Any]) -> list[str]:
    """Returns lines on the runs that have learnt from windows of the test split, or may have."""
    of_all, lines = f"of these {result['windows']['test']:,} test windows", []
    for run in result["runs"]:
        seen = run["test_windows_seen"]
        if seen is None:
            lines.append(
                f"Whether {run['workdir']} has learnt from test windows is not known: what it was "
                "trained on is not on this machine."
            )
        elif seen:
            lines.append(f"{run['workdir']} has learnt from {seen:,} {of_all}.")
    return lines


def _differences(rows: Sequence[Mapping[str, Any]], metric: str) -> list[str]:
    """Returns lines on runs with the most labels, against everything that has learnt nothing."""
    most = max(row["fraction"] for row in rows)
    table = [["difference", "from", TITLES[metric]]]
    for row in rows:
        for other, found in row.get("minus", {}).items():
            if row["fraction"] == most:
                table.append([row["encoder"], other, cell(found, metric, is_signed=True)])
    return ["", *aligned(table)] if table[1:] else []


def _nuisances(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    table = [["encoder", "nuisance", "within", "probe", "accuracy", "chance", "nats", "p"]]
    for row in rows:
        names = ("accuracy", "chance", "information", "p_value")
        numbers = ["-" if row[name] is None else f"{row[name]:.3f}" for name in names]
        within = row["within"] or "(all)"
        table.append([row["encoder"], row["nuisance"], within, row["probe"], *numbers])
    return aligned(table)


def _bounds(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    table = [["encoder", "noise", "I(Z; X) at least", "at most", "can show at most"]]
    for row in rows:
        numbers = [f"{row[name]:.3f}" for name in ("lower", "upper", "most")]
        table.append([row["encoder"], f"{row['noise']:g}", *numbers])
    return aligned(table)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:g}%"
