"""Pushing goes on beside a run: what is slow, or fails, holds up no checkpoint and loses none."""

import queue
import threading

import numpy as np
import pytest

from genokeras.training import checkpoint, remote_workdir
from genokeras.training import publisher as publishing
from genokeras.training.checkpoint_writer import CheckpointWriter, Snapshot
from genokeras.training.publisher import Publisher
from genokeras.training.remote_workdir import pull
from genokeras.training.summaries import HeldBack, Summaries
from tfrecords.remote_path import path_of

URL = "bucket://b/run"
PATIENCE = 30  # Seconds.


@pytest.fixture
def local(tmp_path):
    """A work folder, and a checkpoint that is being written in it."""
    folder = tmp_path / "copies" / "run"
    (folder / "checkpoints" / ".writing.step-9").mkdir(parents=True)
    (folder / "checkpoints" / ".writing.step-9" / "model.npz").write_text("half")
    (folder / "config.json").write_text("{}")
    return folder


def train(local, publisher, steps, keep=1):
    """Saves a checkpoint after each step, as a trainer does."""
    writer = CheckpointWriter(
        local / "checkpoints", Summaries(local), keep, local / "model.keras", publisher
    )
    with writer:
        for step in steps:
            weights = {"model": {"weights": np.full(3, step, np.float64)}}
            writer.save(Snapshot(step, weights, {"step": step}, HeldBack()))
            writer.wait()


def pulled_steps(folder):
    assert pull(URL, folder)
    steps = checkpoint.steps(folder / "checkpoints")
    for step in steps:  # Whole, whatever was removed meanwhile.
        checkpoint.check(checkpoint.folder(folder / "checkpoints", step))
    return steps


def test_checkpoints_do_not_wait_for_a_network_and_the_newest_is_pushed(
    local, bucket, tmp_path, monkeypatch
):
    """The first push hangs until five are saved, and its own has been removed from the folder."""
    asked, go_on = threading.Event(), threading.Event()
    put_file, hung = bucket.put_file, []

    def hanging(self, lpath, rpath, **options):
        asked.set()
        assert go_on.wait(PATIENCE)
        hung.append(rpath.rpartition("checkpoints/")[2])
        put_file(self, lpath, rpath, **options)

    monkeypatch.setattr(bucket, "put_file", hanging)
    seen = []

    with Publisher(local, path_of(URL), seen.append) as publisher:
        train(local, publisher, [1])
        assert asked.wait(PATIENCE)
        train(local, publisher, [2, 3, 4, 5])
        assert checkpoint.steps(local / "checkpoints") == [5]
        assert not (tmp_path / "b" / "run" / remote_workdir.MARKER).exists()
        go_on.set()
    assert seen == []
    assert {name.partition("/")[0] for name in hung if "step" in name} == {"step-1", "step-5"}
    assert pulled_steps(tmp_path / "elsewhere") == [5]
    assert [path.name for path in local.parent.iterdir() if path.is_dir()] == ["run"]
    # It has not gone on since: another machine that pushes later is followed.
    assert pull(URL, local)
    assert checkpoint.steps(local / "checkpoints") == [5]


def test_what_cannot_be_pushed_comes_with_the_next_checkpoint(local, bucket, tmp_path):
    lines = []
    bucket.broken = ConnectionResetError("connection reset")
    with Publisher(local, path_of(URL), lines.append) as publisher:
        train(local, publisher, [1, 2], keep=2)
    assert checkpoint.steps(local / "checkpoints") == [1, 2]
    assert 1 <= len(lines) <= 2
    for line in lines:
        assert line.startswith(f"{URL}/pushed.json: connection reset; tried 8 times")
        assert line.endswith("; training goes on, and the next checkpoint brings it along")
    bucket.broken = None
    with Publisher(local, path_of(URL), lines.append) as publisher:
        train(local, publisher, [3], keep=3)
    assert pulled_steps(tmp_path / "elsewhere") == [1, 2, 3]


def test_what_nobody_has_foreseen_ends_neither_the_run_nor_the_pushing(
    local, bucket, tmp_path, monkeypatch
):
    """As a disk without room for the list of the files, or a login that has run out."""
    lines, push = queue.Queue(), publishing.push

    def full(*_, **__):
        monkeypatch.setattr(publishing, "push", push)
        raise OSError(28, "No space left on device", "pushed.json")

    monkeypatch.setattr(publishing, "push", full)
    with Publisher(local, path_of(URL), lines.put) as publisher:
        train(local, publisher, [1])
        line = lines.get(timeout=PATIENCE)
        assert line.startswith(
            "[Errno 28] No space left on device: 'pushed.json'; training goes on"
        )
        train(local, publisher, [2, 3])
    assert lines.empty()
    assert pulled_steps(tmp_path / "elsewhere") == [3]


def test_links_of_a_run_that_was_killed_are_removed(local, bucket, tmp_path):
    killed = tmp_path / "copies" / "run-pushing" / "0"
    killed.mkdir(parents=True)
    (killed / "config.json").write_text("of a run that was killed")
    with Publisher(local, path_of(URL), print) as publisher:
        publisher()
    assert not killed.parent.exists()
    assert (tmp_path / "b" / "run" / "config.json").read_text() == "{}"
