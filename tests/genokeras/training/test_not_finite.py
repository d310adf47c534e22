"""Steps whose loss is not finite: told, with what to do about them, or left out."""

import re

import numpy as np
import pytest

from genokeras.training import checkpoint
from genokeras.training.summaries import read_rows
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

SMALL = {"preset": "single_conv_only", "overrides": ["filters=4"]}
TRAINING = {
    "steps": 8, "batch_size": 16, "eval_every": 8, "log_every": 1, "checkpoint_every": 1,
    "keep_checkpoints": 8, "jit": "off", "warmup_steps": 0, "ema": 0.9,
}  # fmt: skip
BAD_ROW = 17


@pytest.fixture(scope="module")
def bad_data(planted, write_dataset, tmp_path_factory):
    """Regression on 64 examples, four batches; the square of one target is too large a number."""
    texts, targets = planted(80)
    targets[BAD_ROW] = 1e30
    folder = tmp_path_factory.mktemp("bad") / "data"
    splits = {"train": 64, "valid": 16}
    return write_dataset(folder, texts, targets, splits=splits, task_type="regression")


@pytest.fixture(scope="module")
def bad_steps(bad_data):
    """The steps, from 1, whose batch has that example: one in each of the two epochs."""
    batches = Dataset(bad_data).split("train").train_batches(0, batch_size=16, seed=0)
    return [
        step for step, batch in zip(range(1, 9), batches, strict=False) if BAD_ROW in batch["row"]
    ]


def test_a_run_stops_and_names_the_example(bad_data, bad_steps, tmp_path):
    with pytest.raises(InputError) as error:
        train(bad_data, tmp_path / "run", **SMALL, training=TrainConfig(**TRAINING))
    first = bad_steps[0]
    saved = f"the checkpoint of step {first - 1} is sound" if first > 1 else "no step was saved"
    assert re.fullmatch(
        rf"the (loss|gradient_norm) of step {first} is no longer finite; its batch: row .* "
        rf"and 11 more \(the largest target, 1e\+30, is that of row {BAD_ROW}\); try a lower "
        rf"learning_rate .*, or on_nan=skip, which leaves such steps out; {saved}",
        str(error.value),
    )
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == list(range(1, first))


def test_steps_that_are_left_out_change_nothing(bad_data, bad_steps, tmp_path):
    """Neither weights, nor optimizer but for its count of steps, nor average."""
    training, lines = TrainConfig(**TRAINING, on_nan="skip"), []
    result = train(bad_data, tmp_path / "run", **SMALL, training=training, log=lines.append)
    assert result.steps == 8
    rows = read_rows(tmp_path / "run")[1:]
    assert [r["step"] for r in rows if r["train"]["skipped_steps"]] == bad_steps
    assert sum(row["train"]["skipped_steps"] for row in rows) == len(bad_steps) == 2
    said = "Left out, since the loss or the gradient was not finite: step "
    assert [line for line in lines if line.startswith("Left")] == [f"{said}{n}" for n in bad_steps]
    arrays = {
        step: checkpoint.load(tmp_path / "run" / "checkpoints" / f"step-{step}")[0]
        for step in range(1, 9)
    }
    for step in range(2, 9):
        pairs = {
            f"{group}/{name}": np.array_equal(value, arrays[step - 1][group][name])
            for group, values in arrays[step].items()
            for name, value in values.items()
        }
        changed = {name for name, is_same in pairs.items() if not is_same}
        if step in bad_steps:
            assert all("iteration" in name for name in changed)
        else:
            assert {name.split("/")[0] for name in changed} == {"model", "optimizer", "average"}
        assert all(np.isfinite(x).all() for group in arrays[step].values() for x in group.values())


def test_ten_steps_in_a_row_that_are_left_out_end_the_run(data_dir, tmp_path):
    """A rate at which the first step spoils the weights: after it no loss is finite."""
    changes = {
        "learning_rate": 1e30,
        "clipnorm": 0.0,
        "optimizer": "sgd",
        "steps": 40,
        "eval_every": 40,
    }
    training = TrainConfig(**TRAINING | changes, on_nan="skip")
    with pytest.raises(InputError) as error:
        train(data_dir, tmp_path / "run", **SMALL, training=training)
    assert re.match(
        r"the (loss|gradient_norm) of step 1\d is no longer finite, as were those of the 9 steps "
        r"before, which were left out; its batch: row ",
        str(error.value),
    )
    assert "on_nan=skip" not in str(error.value)
