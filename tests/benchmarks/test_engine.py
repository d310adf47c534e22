"""The benchmark of what a step costs besides the network runs, and keeps no small result."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_small_run():
    results = ROOT / "benchmarks" / "results" / "engine.json"
    before = results.read_bytes() if results.exists() else None
    done = subprocess.run(
        [sys.executable, "benchmarks/engine.py", "--steps=5", "--rounds=1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    names = ["engine", "engine_default", "trainer"]
    assert list(found["microseconds_per_step"]) == ["bare", *names]
    assert list(found["microseconds_more_than_bare"]) == names
    assert (results.read_bytes() if results.exists() else None) == before
