"""Coverage with a known cause is learnt from a dataset on disk; shuffled coverage is not."""

import numpy as np
import pytest

from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train

SMALL = ["stem_filters=16", "filters=24", "blocks=3", "head_units=16", "stem_kernel_size=9"]


def fit(data_dir, tmp_path, *overrides, **changes):
    settings = {"batch_size": 20, "steps": 120, "learning_rate": 4e-3, "eval_every": 60}
    training = recipe("track", jit="off", log_every=10, **settings | changes)
    options = {"model": "track", "overrides": [*SMALL, *overrides], "training": training}
    return train(data_dir, tmp_path / "run", **options)


def test_strands_of_reads_are_learnt(coverage_dataset, tmp_path):
    """Only if turned examples have their tracks swapped and reversed can the two be told apart."""
    data_dir = coverage_dataset(tmp_path / "data")
    result = fit(data_dir, tmp_path)
    assert result.scores["pearson_r"] > 0.8
    assert {task: row["pearson_r"] > 0.8 for task, row in result.scores["tasks"].items()} == {
        "plus": True,
        "minus": True,
    }
    assert result.scores["profile_jsd"] < 0.7 * result.scores["mean_profile_jsd"]
    losses = [row["train"]["loss"] for row in read_rows(tmp_path / "run") if "loss" in row["train"]]
    assert losses[-1] < 0.5 * losses[0]


def test_shuffled_coverage_teaches_nothing(coverage_dataset, tmp_path):
    result = fit(coverage_dataset(tmp_path / "data", shuffled=True), tmp_path, steps=60)
    # Bins of 200 windows, a motif's reads in four at a time: some 2000 independent ones.
    assert abs(result.scores["pearson_r"]) < 3 / np.sqrt(2000)


@pytest.mark.parametrize("loss", ["profile_counts", "mse_log"])
def test_other_losses_learn_too(coverage_dataset, tmp_path, loss):
    data_dir = coverage_dataset(tmp_path / "data")
    result = fit(data_dir, tmp_path, f"loss={loss}", "total_weight=1")
    assert result.scores["pearson_r"] > 0.7
