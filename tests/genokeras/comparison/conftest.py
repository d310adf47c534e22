"""Runs as training and evaluation leave them, without either."""

import json

import numpy as np
import pytest

from genokeras.comparison.configurations import Configuration
from genokeras.comparison.runs import SCORED_WITH, ComparedDataset, Record, plan
from genokeras.evaluation import resamples

FLAGS = ["--steps=2"]


@pytest.fixture
def planned(tmp_path):
    """Two datasets, configurations `a` to `c`, seeds 0 and 1, all in `tmp_path`."""
    configurations = [
        Configuration(name, (f"--preset={name}",), f"c.txt:{line}")
        for line, name in enumerate("abc", start=1)
    ]
    datasets = [ComparedDataset(name, f"data/{name}", f"sha of {name}") for name in ("d", "e")]
    return plan(tmp_path, configurations, datasets, [0, 1])


@pytest.fixture
def finish():
    """Leaves a run as it is when it is done, with these scores and resamples."""

    def finish(run, scores, samples=None, split="test"):
        run.save(
            Record([*FLAGS, *run.configuration.flags], run.dataset.manifest_sha256, 30.0, 60.0)
        )
        result = {
            "steps": 2, "loss": 1.0, "metric": "loss", "best_step": 2, "scores": {},
            "seconds": 1.0, "parameters": 1234,
        }  # fmt: skip
        folder = run.workdir / "evaluation"
        folder.mkdir(parents=True)
        (run.workdir / "result.json").write_text(json.dumps(result))
        about = SCORED_WITH | {"manifest_sha256": run.dataset.manifest_sha256}
        (folder / f"{split}.json").write_text(json.dumps(about | scores))
        arrays = {name: np.asarray(x) for name, x in (samples or {}).items()}
        resamples.write(folder, split, arrays)

    return finish
