"""Writes the table of docs/from_bigwig.md from results/yeast_coverage.json.

python benchmarks/yeast_coverage_table.py

What stands between two marks in the page is replaced; the prose around them is not.
"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from pages import table, with_interval, with_tables

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "yeast_coverage.json"
PAGE = HERE.parent / "docs" / "from_bigwig.md"


def main() -> None:
    """Writes the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), json.loads(RESULTS.read_text())))


def filled(page: str, results: Mapping[str, Any]) -> str:
    """Returns the page with the table that belongs to the results."""
    return with_tables(page, {"yeast coverage": scores_table(results)})


def scores_table(results: Mapping[str, Any]) -> str:
    """Returns the correlations on the test chromosomes, the best first."""
    best_first = sorted(results["scores"].items(), key=lambda entry: -entry[1]["pearson_r"])
    rows = []
    for name, scores in best_first:
        row = [described(name, results), with_interval(scores, "pearson_r")]
        behind = "" if name == "model" else with_interval(scores, "behind")
        rows.append([*row, behind, with_interval(scores, "spearman_r")])
    return table(("", "Pearson r", "behind the model", "Spearman r"), rows)


def described(name: str, results: Mapping[str, Any]) -> str:
    """Returns what stands in the first column."""
    if name == "model":
        return f"`track`, preset `{results['preset']}`, {results['steps']} steps"
    chosen = results["chosen"][name]
    return {
        "gc": "share of G and C in {around_bp} bp",
        "motifs": "linear model of matches of {motifs} motifs in {around_bp} bp",
        "kmers": "linear model of {k}-mers in {around_bp} bp",
        "tss": "mean profile around annotated starts, to {distance_bp} bp",
    }[name].format(**chosen)


if __name__ == "__main__":
    main()
