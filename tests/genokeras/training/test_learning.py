"""Training does what training is for: known answers, with a negative control."""

import numpy as np
import pytest

from genokeras.training.train import recipe, train


def test_planted_motif_is_learned_without_a_mistake(planted, write_dataset, tmp_path):
    """AUROC 1: every sequence with the motif scores above every one without."""
    splits = {"train": 2000, "valid": 400}
    data_dir = write_dataset(tmp_path / "data", *planted(2400), splits=splits)
    training = recipe(preset="tiny", steps=300, learning_rate=5e-3, eval_every=100, jit="off")
    options = {"preset": "tiny", "overrides": ["mutation_rate=0", "dropout=0"]}
    result = train(data_dir, tmp_path / "run", **options, training=training)
    assert result.scores["auroc"] == 1.0


def test_shuffled_labels_teach_nothing(planted, write_dataset, tmp_path):
    texts, targets = planted(1300)
    targets = np.random.default_rng(3).permutation(targets)
    splits = {"train": 300, "valid": 1000}
    data_dir = write_dataset(tmp_path / "data", texts, targets, splits=splits)
    training = recipe(preset="single_conv_only", steps=60, eval_every=60, jit="off")
    result = train(data_dir, tmp_path / "run", preset="single_conv_only", training=training)
    positives = targets[300:].sum()
    negatives = 1000 - positives
    standard_error = np.sqrt((1001) / (12 * positives * negatives))  # Mann-Whitney, no signal.
    assert abs(result.scores["auroc"] - 0.5) < 3 * standard_error


@pytest.mark.parametrize("preset", ["tiny", "fewer_conv_channels"])
def test_one_batch_is_learned_by_heart(data_dir, tmp_path, preset):
    lines = []
    training = recipe(preset=preset, overfit_one_batch=True, learning_rate=0.02, steps=100)
    result = train(data_dir, tmp_path / "run", preset=preset, training=training, log=lines.append)
    assert result.loss < 0.02
    assert (
        lines[0] == "overfit_one_batch makes no evaluations: the last weights are kept as the best"
    )
    assert lines[-1] == (
        f"One batch: loss {result.loss:.4f} after 100 steps; below 0.02 shows that model and "
        "optimizer can learn, so these can"
    )


def test_several_tasks_with_missing_labels(planted, write_dataset, tmp_path):
    """The second task's labels are those of the first where they are there at all."""
    texts, targets = planted(600)
    targets = np.repeat(targets, 2, axis=1)
    weight = np.ones_like(targets)
    weight[::3, 1] = 0
    targets[::3, 1] = 0
    splits = {"train": 400, "valid": 200}
    data_dir = write_dataset(tmp_path / "data", texts, targets, weight, splits)
    training = recipe(preset="single_conv_only", steps=20, jit="off")
    result = train(data_dir, tmp_path / "run", preset="single_conv_only", training=training)
    tasks = result.scores["tasks"]
    assert (tasks["task_0"]["n"], tasks["task_1"]["n"]) == (200, int(weight[400:, 1].sum()))
    assert result.scores["auroc"] == pytest.approx(
        (tasks["task_0"]["auroc"] + tasks["task_1"]["auroc"]) / 2
    )


def test_a_regression_learns(planted, write_dataset, tmp_path):
    """The target is the share of G and C, which a convolution sees easily."""
    texts, _ = planted(600)
    targets = np.array([[sum(base in "GC" for base in text) / len(text)] for text in texts])
    splits = {"train": 400, "valid": 200}
    data_dir = write_dataset(
        tmp_path / "data", texts, targets * 10, splits=splits, task_type="regression"
    )
    training = recipe(preset="single_conv_only", steps=100, learning_rate=5e-3, jit="off")
    result = train(data_dir, tmp_path / "run", preset="single_conv_only", training=training)
    assert result.scores["pearson_r"] > 0.8


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "float64"])
def test_other_arithmetic_learns_too(data_dir, tmp_path, precision):
    training = recipe(
        preset="fewer_conv_channels", precision=precision, steps=30, learning_rate=5e-3, jit="off",
        overfit_one_batch=True,
    )  # fmt: skip
    result = train(data_dir, tmp_path / "run", preset="fewer_conv_channels", training=training)
    assert result.loss < 0.3
