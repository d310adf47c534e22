import json
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import short_windows_tables

    yield short_windows_tables
    sys.modules.pop("short_windows_tables")


def run(auroc, **others):
    baseline = {"auroc": 0.9, "mcc": 0.63}
    scores = {"auroc": auroc, "auroc_ci": [auroc - 0.01, auroc + 0.02], "auprc": 0.8, "mcc": 0.7}
    return {"set": "tf0", "preset": "base", "baseline": baseline} | scores | others


def test_the_page_holds_what_the_results_say(tables):
    results = json.loads(tables.RESULTS.read_text())
    assert tables.filled(tables.PAGE.read_text(), results) == tables.PAGE.read_text()


def test_results_that_differ_change_the_page(tables):
    results = json.loads(tables.RESULTS.read_text())
    results["test"][0]["auroc"] -= 0.1
    assert tables.filled(tables.PAGE.read_text(), results) != tables.PAGE.read_text()


def test_a_row_is_the_mean_over_seeds(tables):
    table = tables.test_table([run(0.91, seed=0), run(0.93, seed=1), run(0.5, preset="fast")])
    assert table.splitlines()[2] == (
        "| tf0 | `base` | 2 | .920 [.910, .940] | .910 to .930 | .800 | .700 | .900 / .630 |"
    )
    assert len(table.splitlines()) == 4


def test_a_page_without_a_place_for_a_table_is_refused(tables):
    results = {"test": [], "search": [], "explored": []}
    page = re.sub("<!-- end of variants -->", "", tables.PAGE.read_text())
    with pytest.raises(ValueError, match="has 0 places for 'variants', expected one"):
        tables.filled(page, results)
