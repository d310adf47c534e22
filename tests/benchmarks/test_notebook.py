"""The benchmark from a table to a score: what a process took, and a small run of all of it."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


def test_seconds_memory_and_output_of_a_process():
    """From a small process, as the benchmark is one: a child begins with its parent's memory."""
    code = "import time; time.sleep(0.3); x = b'x' * (200 << 20); print(len(x))"
    measure = f"import json, notebook; print(json.dumps(notebook.run(['-c', {code!r}])))"
    done = subprocess.run(
        [sys.executable, "-c", measure],
        cwd=ROOT / "benchmarks", capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, peak, printed = json.loads(done.stdout)
    assert 0.3 < seconds < 30
    assert 200 << 20 < peak < 400 << 20
    assert printed == f"{200 << 20}\n"


def test_a_process_that_fails_is_quoted(benchmark):
    with pytest.raises(RuntimeError, match="no luck"):
        benchmark.run(["-c", "raise ValueError('no luck')"])


def test_medians_of_runs(benchmark):
    runs = [
        {"seconds": seconds, "peak_bytes": 10 * seconds, "steps": 7, "auroc": 0.5 + seconds / 10}
        for seconds in (3, 1, 2)
    ]
    found = benchmark.summarise(runs)
    assert found["seconds"] == {"median": 2.0, "ci95": [1.0, 3.0]}
    assert found["peak_bytes"] == 20
    assert found["steps"] == 7
    assert found["auroc"] == [0.8, 0.6, 0.7]


def small_table(path, rng, examples):
    rows = ("".join("ACGT"[base] for base in rng.integers(0, 4, 40)) for _ in range(examples))
    lines = (f"{row},{number % 2}\n" for number, row in enumerate(rows))
    path.write_text("sequence,label\n" + "".join(lines))


@pytest.mark.slow
def test_small_run(small_run, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("train", "dev", "test"):
        small_table(tmp_path / f"{name}.csv", rng, 64)
        subprocess.run(["gzip", tmp_path / f"{name}.csv"], check=True)
    options = [f"--data={tmp_path}", "--presets", "conv_v2", "--steps=2", "--pairs=1"]
    found = small_run(*options)
    assert list(found["runs"]) == ["notebook", "conv_v2"]
    assert [run["steps"] for run in found["runs"].values()] == [2, 2]
    assert found["share_of_the_time_of_the_notebook"]["conv_v2"]["median"] > 0
