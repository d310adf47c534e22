import json
import re

import pytest


def run(auroc, **others):
    baseline = {"auroc": 0.9, "mcc": 0.63}
    scores = {"auroc": auroc, "auroc_ci": [auroc - 0.01, auroc + 0.02], "auprc": 0.8, "mcc": 0.7}
    return {"set": "tf0", "preset": "base", "baseline": baseline} | scores | others


def test_the_page_holds_what_the_results_say(benchmark):
    results = json.loads(benchmark.RESULTS.read_text())
    assert benchmark.filled(benchmark.PAGE.read_text(), results) == benchmark.PAGE.read_text()


def test_results_that_differ_change_the_page(benchmark):
    results = json.loads(benchmark.RESULTS.read_text())
    results["test"][0]["auroc"] -= 0.1
    assert benchmark.filled(benchmark.PAGE.read_text(), results) != benchmark.PAGE.read_text()


def test_a_row_is_the_mean_over_seeds(benchmark):
    table = benchmark.test_table([run(0.91, seed=0), run(0.93, seed=1), run(0.5, preset="fast")])
    assert table.splitlines()[2] == (
        "| tf0 | `base` | 2 | .920 [.910, .940] | .910 to .930 | .800 | .700 | .900 / .630 |"
    )
    assert len(table.splitlines()) == 4


def test_one_run_has_no_range_and_no_run_no_table(benchmark):
    assert "| 1 | .930 [.920, .950] | - | .800 |" in benchmark.test_table([run(0.93)])
    assert benchmark.variants_table([]) == "Not measured yet."


def test_checkpoints_that_were_not_kept_have_a_dash(benchmark):
    known = {
        "set": "tf0",
        "examples": 28375,
        "steps": 3544,
        "largest_auroc": 0.8931,
        "last": 0.8954,
    }
    table = benchmark.checkpoints_table([known | {"smallest_loss": None}])
    assert table.splitlines()[2] == "| tf0 | 28,375 | 3,544 | .8931 | - | .8954 |"


def test_a_page_without_a_place_for_a_table_is_refused(benchmark):
    results = {"test": [], "search": [], "explored": [], "checkpoints": []}
    page = re.sub("<!-- end of variants -->", "", benchmark.PAGE.read_text())
    with pytest.raises(ValueError, match="has 0 places for 'variants', expected one"):
        benchmark.filled(page, results)
