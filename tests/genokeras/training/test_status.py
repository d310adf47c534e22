"""Runs made of files, at every stage; the time of a live one is that of this very process."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from genokeras.training import checkpoint, lock
from genokeras.training.status import Status, find_runs, status
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError

SETTINGS = {
    "format_version": 1,
    "model": "cnn_attention",
    "preset": "base",
    "config": {},
    "training": dataclasses.asdict(TrainConfig(steps=400, batch_size=10)),
    "spec": {},
    "data_dir": "data",
    "manifest_sha256": "0",
    "environment": {},
    "dataset": {"examples": {"train": 1000, "valid": 100}},
}


def row(step, valid=None, **train):
    parts = {"train": train} | ({"valid": valid} if valid else {})
    return {"step": step, "epoch": step / 100, "time": 1e9 + step, **parts}


ROWS = [
    row(0, {"loss": 0.7}),
    row(20, loss=0.6),
    row(40, {"loss": 0.5, "auroc": 0.8}, loss=0.5, examples_per_second=900.0),
    row(80, {"loss": 0.6, "auroc": 0.7}, loss=0.4, examples_per_second=1000.0),
]


def save(run, step, best):
    arrays = {"model": {"kernel": np.zeros(100, np.float32)}}
    state = {"step": step, "best": {"best_step": best}}
    checkpoint.save(run / "checkpoints", step, arrays, state)
    minute_ago = time.time() - 60
    os.utime(checkpoint.folder(run / "checkpoints", step), (minute_ago, minute_ago))


@pytest.fixture
def run(tmp_path):
    """A run that was killed after step 80 of 400; its best evaluation was at step 40."""
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SETTINGS))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    save(folder, 40, 40)
    save(folder, 80, 40)
    return folder


def test_stopped_run(run):
    found = status(run)
    assert found == Status(
        run, "stopped", step=80, steps=400, epoch=0.8,
        last=(80, {"loss": 0.6, "auroc": 0.7}), best=(40, {"loss": 0.5, "auroc": 0.8}),
        best_metric="loss", checkpoint_step=80, checkpoint_seconds=found.checkpoint_seconds,
        command=f"python -m launch.train --flagfile={run}/flags.txt",
    )  # fmt: skip
    assert 60 <= found.checkpoint_seconds < 120


def test_running_run_tells_its_step_and_what_is_left(run, monkeypatch):
    """230 steps in 23 s, so the 170 steps after step 230 take 17 s."""
    steps, times = iter([80, 100, 330]), iter([1e9, 1e9 + 10, 1e9 + 33])
    with lock.locked(run) as held:
        monkeypatch.setattr(time, "time", lambda: next(times))
        held.watch(lambda: next(steps))
        held.beat()
        held.beat()
        monkeypatch.undo()
        found = status(run)
    assert (found.state, found.command) == ("running", "")
    assert (found.holder.pid, found.holder.host) == (os.getpid(), socket.gethostname())
    assert (found.step, found.epoch, found.checkpoint_step) == (330, 3.3, 80)
    assert (found.steps_per_second, found.seconds_left) == (10.0, 7.0)
    assert found.examples_per_second == 1000.0


def test_run_that_has_just_gone_on_is_at_its_checkpoint(run):
    with lock.locked(run):
        found = status(run)
    assert (found.state, found.step, found.seconds_left) == ("running", 80, None)


def test_run_without_a_step_yet(tmp_path, run):
    with lock.locked(tmp_path / "new"):
        found = status(tmp_path / "new")
        assert (found.state, found.holder.pid, found.steps) == ("starting", os.getpid(), None)
    shutil.rmtree(run / "checkpoints")
    (run / "metrics.jsonl").unlink()
    found = status(run)
    assert (found.state, found.step, found.last, found.checkpoint_step) == (
        "stopped", 0, None, None,
    )  # fmt: skip


def test_finished_run(run):
    """Early stopping: fewer steps than planned. What the result says of the best counts."""
    result = {"steps": 80, "best_step": 80, "scores": {}}
    (run / "result.json").write_text(json.dumps(result))
    found = status(run)
    assert (found.state, found.step, found.steps, found.command) == ("finished", 80, 400, "")
    assert found.best == (80, {"loss": 0.6, "auroc": 0.7})


def test_damaged_checkpoint_is_named_and_the_one_before_counts(run):
    newest = run / "checkpoints" / "step-80" / "model.npz"
    newest.write_bytes(newest.read_bytes()[:-1])
    found = status(run)
    assert (found.state, found.step, found.checkpoint_step) == ("stopped", 40, 40)
    assert found.problem == f"{newest}: its sha256 is not the one in SHA256SUMS, it is damaged"
    (run / "checkpoints" / "step-40" / "state.json").unlink()
    found = status(run)
    assert (found.state, found.step, found.checkpoint_step) == ("damaged", 0, None)
    assert found.problem.startswith(str(newest))


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("config.json", "{", "/config.json: not the settings of a run (JSONDecodeError("),
        ("result.json", "{}", "/result.json: not the result of a run"),
    ],
)
def test_broken_files_are_named(run, file, text, problem):
    (run / file).write_text(text)
    found = status(run)
    assert found.state == "damaged"
    assert found.problem.startswith(f"{run}{problem}")


def test_settings_of_another_version_are_no_run_that_can_go_on(run):
    settings = SETTINGS | {"training": {"stepps": 3}}
    (run / "config.json").write_text(json.dumps(settings))
    found = status(run)
    assert found.state == "damaged"
    start = f"{run}/config.json: TrainConfig has no field 'stepps'. Did you mean 'steps'?"
    assert found.problem.startswith(start)


def test_runs_are_found_below_a_folder(tmp_path, run, monkeypatch):
    shutil.copytree(run, tmp_path / "runs" / "fold" / "2")
    shutil.copytree(run, tmp_path / "runs" / "a,b")
    shutil.copytree(run, tmp_path / "runs" / ".trash")
    monkeypatch.chdir(tmp_path)
    names = [str(path) for path in find_runs("runs")]
    assert names == ["runs/a,b", "runs/first", "runs/fold/2"]
    assert [str(path) for path in find_runs("runs/first,runs/fold")] == names[1:]
    assert [str(path) for path in find_runs("runs/a,b")] == names[:1]
    assert [str(path) for path in find_runs("runs/first,runs")] == [
        "runs/first",
        "runs/a,b",
        "runs/fold/2",
    ]


def test_what_is_no_folder_of_runs(tmp_path):
    with pytest.raises(InputError) as error:
        find_runs(f"{tmp_path},{tmp_path}/nothing")
    assert (
        str(error.value)
        == f"{tmp_path}: no run here, nor in the folders in it: none has a config.json"
    )
    with pytest.raises(InputError) as error:
        find_runs(f"{tmp_path}/nothing")
    assert str(error.value) == f"--workdir={tmp_path}/nothing: no folder '{tmp_path}/nothing'"


def test_no_framework_is_loaded():
    """A look at a run should not take the seconds that TensorFlow does."""
    code = (
        "import sys, launch.status\n"
        "found = {'tensorflow', 'keras', 'jax'} & set(sys.modules)\nassert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
