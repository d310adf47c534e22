"""How launchers are called, and a run for those that use one: the tiny network, hardly trained."""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
WINDOW_BP = 40


@pytest.fixture
def launch(request):
    """Runs the launcher that a file of tests is named after, in a process of its own."""
    name = request.path.stem.removeprefix("test_")

    def run(*args, cwd=ROOT):
        return subprocess.run(
            [sys.executable, "-m", f"launch.{name}", *map(str, args)],
            cwd=cwd, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@dataclasses.dataclass(frozen=True)
class TinyRun:
    """Where it is, and the length of its windows."""

    workdir: pathlib.Path
    data_dir: pathlib.Path
    window_bp: int = WINDOW_BP


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> TinyRun:
    from data_prep.build import build_dataset
    from data_prep.csv_table import CsvTable
    from genokeras.training.train import recipe, train

    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    inputs = {}
    for split, number in {"train": 128, "valid": 40, "test": 50}.items():
        texts = ["".join(row) for row in rng.choice(list("ACGT"), (number, WINDOW_BP))]
        rows = [f"{text},{row % 2}\n" for row, text in enumerate(texts)]
        (folder / f"{split}.csv").write_text("sequence,label\n" + "".join(rows))
        inputs[split] = folder / f"{split}.csv"
    build_dataset(CsvTable(inputs), folder / "data", "tiny")
    training = recipe("cnn_attention", "tiny", steps=2)
    train(folder / "data", folder / "run", preset="tiny", training=training)
    return TinyRun(folder / "run", folder / "data")
