"""The benchmark of prediction runs, and keeps no result of a small run."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_small_run():
    results = ROOT / "benchmarks" / "results" / "predict.json"
    before = results.read_bytes() if results.exists() else None
    done = subprocess.run(
        [sys.executable, "benchmarks/predict.py", "--sequences=500", "--pairs=1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["share_of_the_network_alone"]["median"] > 0
    assert list(found["memory"]["peak_bytes"]) == ["50", "500", "5000"]
    assert (results.read_bytes() if results.exists() else None) == before
