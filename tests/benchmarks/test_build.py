"""The benchmark of building runs, and keeps no result of a small run."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_small_run():
    results = ROOT / "benchmarks" / "results" / "build.json"
    before = results.read_bytes() if results.exists() else None
    done = subprocess.run(
        [sys.executable, "benchmarks/build.py", "--rows=2000", "--pairs=1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["table_bytes"] == len("sequence,label\n") + 2000 * len(f"{'A' * 200},1\n")
    assert found["build_rows_per_second"]["median"] > 0
    assert list(found["memory"]["peak_bytes"]) == ["500", "2000", "8000"]
    assert (results.read_bytes() if results.exists() else None) == before
