"""Everything but TensorFlow's own engine works where TensorFlow is not installed: Keras on JAX."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.without_tensorflow import NoTensorFlow

ROOT = pathlib.Path(__file__).parents[1]


def run(name, *flags, cwd):
    command = [sys.executable, ROOT / "tests" / "without_tensorflow.py", name, *flags]
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{name} {flags}\n{done.stdout}\n{done.stderr}"


def test_from_a_table_to_predictions(tmp_path, gue_tf0):
    run("build_dataset", "--source=csv", f"--input={gue_tf0 / 'dev.csv.gz'}", "--name=tf0",
        "--split_fractions=0.8,0.1,0.1", "--data_dir=data", cwd=tmp_path)  # fmt: skip
    # Half of the network: what takes time here is compiling it.
    smaller = ("--set=members=1", "--set=attention_blocks=0", "--set=average_shift_bp=0")
    run("train", "--data_dir=data", "--workdir=run", "--preset=tiny", *smaller, "--steps=4",
        "--eval_every=4", "--loader=grain", cwd=tmp_path)  # fmt: skip
    run("evaluate", "--workdir=run", "--split=test", "--num_bootstrap=0", "--nobaseline",
        cwd=tmp_path)  # fmt: skip
    run("predict", "--workdir=run", f"--input={gue_tf0 / 'test.csv.gz'}", "--output=out.tsv",
        cwd=tmp_path)  # fmt: skip
    scores = json.loads((tmp_path / "run" / "evaluation" / "test.json").read_text())
    assert 0 < scores["loss"] < 2
    assert len((tmp_path / "out.tsv").read_text().splitlines()) == 1 + 1000
    curves = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [point.step for point in curves.Scalars("valid/loss")] == [0, 4]


def test_the_blocker_blocks():
    with pytest.raises(ModuleNotFoundError, match="No module named 'tensorflow.python'"):
        NoTensorFlow().find_spec("tensorflow.python")
    assert NoTensorFlow().find_spec("tensorboard") is None
