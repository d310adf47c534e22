import importlib
import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark(request):
    """The script that a file of tests is named after, as a module; it finds the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module(request.path.stem.removeprefix("test_"))


@pytest.fixture
def small_run(request):
    """Runs that script and returns what it found; so small a run must not change what is kept."""
    name = request.path.stem.removeprefix("test_")
    results = BENCHMARKS / "results" / f"{name}.json"

    def run(*options: str) -> dict:
        before = results.read_bytes() if results.exists() else None
        done = subprocess.run(
            [sys.executable, f"benchmarks/{name}.py", *options],
            cwd=BENCHMARKS.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (results.read_bytes() if results.exists() else None) == before
        return json.loads(done.stdout)

    return run
