"""Everything but TensorFlow's own engine works where TensorFlow is not installed: Keras on JAX."""

import json
import os
import pathlib
import subprocess
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = pathlib.Path(__file__).parents[1]


def launch(name, *flags, cwd, backend="jax"):
    command = [sys.executable, ROOT / "tests" / "without_tensorflow.py", name, *flags]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def run(name, *flags, cwd):
    done = launch(name, *flags, cwd=cwd)
    assert done.returncode == 0, f"{name} {flags}\n{done.stdout}\n{done.stderr}"


def test_from_a_table_to_predictions(tmp_path, gue_tf0):
    run("build_dataset", "--source=csv", f"--input={gue_tf0 / 'dev.csv.gz'}", "--name=tf0",
        "--split_fractions=0.8,0.1,0.1", "--data_dir=data", cwd=tmp_path)  # fmt: skip
    run("train", "--data_dir=data", "--workdir=run", "--preset=tiny", "--steps=4",
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


def test_its_engine_cannot_be_had_without_it(tmp_path):
    """The negative control: the blocker does block."""
    done = launch("evaluate", "--workdir=run", cwd=tmp_path, backend="tensorflow")
    assert done.returncode != 0
    assert "No module named 'tensorflow'" in done.stderr
