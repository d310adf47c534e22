"""Writes the tables of docs/from_peaks.md from results/yeast_sites.json.

python benchmarks/yeast_sites_table.py

What stands between two marks in the page is replaced; the prose around them is not.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pages import table, with_interval, with_tables

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "yeast_sites.json"
PAGE = HERE.parent / "docs" / "from_peaks.md"
MODELS = ("six_mers", "alone", "together")
HEADS = ("6-mers", "alone", "together", "together less alone", "the same of AUPRC")


def main() -> None:
    """Writes the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), json.loads(RESULTS.read_text())))


def filled(page: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Returns the page with the tables that belong to the results."""
    tables = {f"yeast sites, {name}": scores_table(results, name) for name in ("own", "all")}
    return with_tables(page, tables)


def scores_table(results: Sequence[Mapping[str, Any]], windows: str) -> str:
    """Returns the AUROC of all models on the `own` test windows of each protein, or on `all`.

    The protein with the fewest windows to learn from comes first.
    """
    rows, metrics = [], ("auroc", "auprc")
    for found in sorted(results, key=lambda found: _positives(found, "own", "train")):
        scores = found[windows]
        cells = [with_interval(scores[name], "auroc") for name in MODELS]
        cells += [with_interval(scores["together_less_alone"], name, sign="+") for name in metrics]
        counts = [_positives(found, windows, split) for split in ("train", "test")]
        rows.append([found["protein"], "{:,} / {:,}".format(*counts), *cells])
    means = [np.mean([found[windows][name]["auroc"] for found in results]) for name in MODELS]
    leads = [
        np.mean([found[windows]["together_less_alone"][name] for found in results])
        for name in metrics
    ]
    rows.append(["mean", "", *(f"{x:.3f}" for x in means), *(f"{x:+.3f}" for x in leads)])
    return table(("", "positives: train / test", *HEADS), rows)


def _positives(found: Mapping[str, Any], windows: str, split: str) -> int:
    return found["examples"][windows][split]["positives"]


if __name__ == "__main__":
    main()
