"""Writes the tables of docs/short_windows.md from results/short_windows.json.

python benchmarks/short_windows_tables.py

What stands between two marks in the page is replaced; the prose around them is not.
"""

import collections
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pages import table, with_tables

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "short_windows.json"
PAGE = HERE.parent / "docs" / "short_windows.md"


def main() -> None:
    """Writes the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), json.loads(RESULTS.read_text())))


def filled(page: str, results: Mapping[str, Any]) -> str:
    """Returns the page with the tables that belong to the results."""
    tables = {
        "test": test_table(results["test"]),
        "variants": variants_table(results["search"]),
        "explored": explored_table(results["explored"]),
        "checkpoints": checkpoints_table(results["checkpoints"]),
    }
    return with_tables(page, tables)


def test_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns, for every set and preset, the mean over seeds beside the baseline.

    Of the sets tf0 comes first, and of the presets those that are no architecture of the chapter.
    """
    rows = []
    runs = sorted(runs, key=_order)
    for (name, preset), group in _grouped(runs, "set", "preset"):
        low, high = np.mean([run["auroc_ci"] for run in group], axis=0)
        baseline = group[0]["baseline"]
        rows.append(
            (
                name,
                f"`{preset}`",
                len(group),
                f"{_mean(group, 'auroc')} [{_short(low)}, {_short(high)}]",
                _range([run["auroc"] for run in group]),
                _mean(group, "auprc"),
                _mean(group, "mcc"),
                f"{_short(baseline['auroc'])} / {_short(baseline['mcc'])}",
            )
        )
    heads = "set", "preset", "seeds", "AUROC", "lowest to highest", "AUPRC", "MCC"
    return table((*heads, "6-mers: AUROC / MCC"), rows)


def variants_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns what a change of `base` gives on rows held out of training."""
    if not runs:
        return "Not measured yet."
    rows = [
        (variant, name, len(group), _mean(group, "auroc", digits=4), _mean(group, "loss", 4))
        for (variant, name), group in _grouped(runs, "variant", "set")
    ]
    return table(("change", "set", "seeds", "AUROC", "loss"), rows)


def explored_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns what was tried before `base` was settled."""
    rows = []
    for (idea, name), group in _grouped(runs, "idea", "set"):
        seconds = np.median([run["cpu_seconds"] for run in group])
        rows.append((idea, name, len(group), _mean(group, "auroc", digits=4), f"{seconds:.0f}"))
    return table(("network", "set", "seeds", "AUROC", "CPU seconds"), rows)


def checkpoints_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns the AUROC on rows held out of the checkpoint that each rule chooses."""
    rules = ("largest_auroc", "smallest_loss", "last")
    rows = [
        (
            run["set"],
            f"{run['examples']:,}",
            f"{run['steps']:,}",
            *("-" if run[rule] is None else _short(run[rule], digits=4) for rule in rules),
        )
        for run in runs
    ]
    heads = "largest valid AUROC", "smallest valid loss", "last"
    return table(("set", "training rows", "steps", *heads), rows)


def _order(run: Mapping[str, Any]) -> tuple[bool, str, bool, str]:
    return run["set"].isupper(), run["set"], run["preset"] not in ("base", "fast"), run["preset"]


def _grouped(
    runs: Iterable[Mapping[str, Any]], *keys: str
) -> list[tuple[tuple[str, ...], list[Mapping[str, Any]]]]:
    groups = collections.defaultdict(list)
    for run in runs:
        groups[tuple(run[key] for key in keys)].append(run)
    return list(groups.items())


def _mean(group: Sequence[Mapping[str, Any]], name: str, digits: int = 3) -> str:
    return _short(np.mean([run[name] for run in group]), digits)


def _range(values: Sequence[float]) -> str:
    return f"{_short(min(values))} to {_short(max(values))}" if len(values) > 1 else "-"


def _short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("0.", ".", 1)


if __name__ == "__main__":
    main()
