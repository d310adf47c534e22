"""What benchmarks report: medians with intervals, peaks, and the machine."""

import pathlib
import subprocess
import sys

import numpy as np

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_a_constant_has_an_interval_of_no_width(benchmark):
    found = benchmark.median_with_interval(np.full(7, 1234.56))
    assert found == {"median": 1235.0, "ci95": [1235.0, 1235.0]}


def test_the_interval_is_within_the_values_and_around_the_median(benchmark):
    found = benchmark.median_with_interval(np.arange(1.0, 102.0))
    low, high = found["ci95"]
    assert found["median"] == 51
    # Order statistics: about 51 +- 1.96 * sqrt(101) / 2.
    assert 38 < low < 45
    assert 57 < high < 64


def test_the_peak_counts_what_was_touched_and_let_go():
    """In a process of its own, whose peak so far is its size."""
    code = (
        "import numpy, measure\n"
        "before = measure.peak_bytes()\n"
        "numpy.ones(16 << 20)\n"
        "print(measure.peak_bytes() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    assert 120 << 20 < int(done.stdout) < 140 << 20


def test_the_machine_is_described(benchmark):
    found = benchmark.machine()
    assert list(found) == ["cpu", "cores", "load_before", "system"]
    assert found["cores"] >= 1


def test_a_call_is_made_once(benchmark):
    calls = []
    assert benchmark.seconds(lambda: calls.append(1)) >= 0
    assert calls == [1]


def test_results_are_printed_and_kept_if_they_are_to_be(benchmark, tmp_path, capsys):
    path = tmp_path / "build.json"
    benchmark.report({"rows": 5}, path, keep=False)
    assert not path.exists()
    benchmark.report({"rows": 7}, path, keep=True)
    assert path.read_text() == '{\n  "rows": 7\n}\n'
    assert [line for line in capsys.readouterr().out.splitlines() if "rows" in line] == [
        '  "rows": 5', '  "rows": 7'
    ]  # fmt: skip
