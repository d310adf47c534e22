"""The writer of checkpoints, and a stand-in of the trainer that is killed at every point of it.

As a program, `FILE.py FOLDER`, it does the latter: in a process of its own, which can be forked.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event

from genokeras.training import checkpoint, events
from genokeras.training.checkpoint_writer import CheckpointWriter, Snapshot
from genokeras.training.summaries import HeldBack, Summaries, read_rows
from tfrecords.errors import InputError

NOTHING = {"rows": [], "events": [], "sizes": {}}
LAST, EVERY, KEEP = 6, 3, 1
# What a process tells before it changes a file: by them it is killed.
CHANGES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}


def snapshot(step, **changes):
    arrays = {"model": {"weights": np.full(3, step, np.float64)}}
    return Snapshot(step, arrays, {"step": step}, **{"held": HeldBack()} | changes)


def writer(workdir, keep=2):
    summaries = Summaries(workdir)
    return CheckpointWriter(workdir / "checkpoints", summaries, keep, workdir / "model.keras")


def saved(workdir):
    return checkpoint.steps(workdir / "checkpoints")


def test_at_the_end_everything_is_there(tmp_path):
    summaries = Summaries(tmp_path)
    summaries.add(1, 0.1, {"train": {"loss": 0.5}})
    with writer(tmp_path) as checkpoints:
        checkpoints.save(snapshot(1, held=summaries.take(), protected=1))
        exported = checkpoints.hidden_model(2)
        exported.write_text("model of step 2")
        for step in (2, 3, 4):
            checkpoints.save(snapshot(step, protected=1, exported=exported if step == 2 else None))
    assert saved(tmp_path) == [1, 3, 4]
    assert (tmp_path / "model.keras").read_text() == "model of step 2"
    assert [row["step"] for row in read_rows(tmp_path)] == [1]
    arrays, state = checkpoint.load(tmp_path / "checkpoints" / "step-4")
    np.testing.assert_array_equal(arrays["model"]["weights"], [4, 4, 4])
    assert state == {"step": 4, "summaries": state["summaries"]}


def test_one_is_written_one_waits_and_a_third_must_wait_for_them(tmp_path, monkeypatch):
    begun, go_on, third_is_in = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    save = checkpoint.save

    def slow(*arguments):
        begun.release()
        go_on.acquire()
        save(*arguments)

    monkeypatch.setattr(checkpoint, "save", slow)

    def train(checkpoints):
        for step in (1, 2, 3):
            checkpoints.save(snapshot(step))
        third_is_in.set()

    with writer(tmp_path) as checkpoints:
        trainer = threading.Thread(target=train, args=(checkpoints,))
        trainer.start()
        begun.acquire()
        assert not third_is_in.wait(0.2)
        go_on.release(1)
        assert third_is_in.wait(20)
        go_on.release(2)
        trainer.join()
    assert saved(tmp_path) == [2, 3]


def train_on_a_full_disk(workdir, file_size_limit):
    """Training that goes on until it is told of the checkpoint that could not be written."""
    with writer(workdir) as checkpoints:
        checkpoints.save(snapshot(3))
        checkpoints.wait()
        assert saved(workdir) == [3]
        with file_size_limit(100):
            checkpoints.save(snapshot(6))
            while True:
                checkpoints.check()


def test_what_cannot_be_written_ends_the_run_with_the_last_checkpoint_named(
    tmp_path, file_size_limit
):
    with pytest.raises(InputError) as error:
        train_on_a_full_disk(tmp_path, file_size_limit)
    file = tmp_path / "checkpoints" / ".step-6.writing" / "model.npz"
    assert str(error.value) == (
        f"{file}: File too large, while step 6 was saved; mend this, and the same command goes on "
        "with the run: its last checkpoint is of step 3"
    )
    assert saved(tmp_path) == [3]


def test_a_problem_of_the_last_checkpoint_is_raised_at_the_end(tmp_path, monkeypatch):
    def fails(*_):
        raise PermissionError(13, "Permission denied", str(tmp_path / "checkpoints"))

    monkeypatch.setattr(checkpoint, "save", fails)
    with pytest.raises(InputError) as error, writer(tmp_path) as checkpoints:
        checkpoints.save(snapshot(3))
    assert str(error.value) == (
        f"{tmp_path}/checkpoints: Permission denied, while step 3 was saved; mend this, and the "
        "same command goes on with the run: it has no checkpoint"
    )


def test_a_bug_in_the_thread_is_no_mistake_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), writer(tmp_path) as checkpoints:
        checkpoints.save(snapshot(3))


def save_and_fail(workdir, step):
    with writer(workdir) as checkpoints:
        checkpoints.save(snapshot(step))
        raise LookupError


def test_another_error_in_the_trainer_is_the_one_that_is_raised(tmp_path, monkeypatch):
    """And what was handed over before it is still written."""
    with pytest.raises(LookupError):
        save_and_fail(tmp_path, 3)
    assert saved(tmp_path) == [3]
    monkeypatch.setattr(checkpoint, "save", lambda *_: 1 / 0)
    with pytest.raises(LookupError):
        save_and_fail(tmp_path, 4)


# What follows is killed: `train` doubles a number and adds 1 in each step.


def train(workdir):
    summaries, checkpoints = Summaries(workdir), workdir / "checkpoints"
    checkpoint.recover(checkpoints)
    found = checkpoint.load_newest(checkpoints, lambda line: None)
    arrays, state = found or (
        {"model": {"weights": np.zeros(2)}},
        {"step": 0, "summaries": NOTHING},
    )
    weights = arrays["model"]["weights"]
    summaries.rewind(state["summaries"])
    if found is None:
        summaries.begin([events.text("command", "train")])
    else:  # What a kill kept the writer from, the trainer does as well.
        checkpoint.prune(checkpoints, state["step"], KEEP, ())
        (workdir / "model.keras").write_text(str(state["step"]))
    with CheckpointWriter(checkpoints, summaries, KEEP, workdir / "model.keras") as writer:
        for step in range(state["step"] + 1, LAST + 1):
            weights = 2 * weights + 1
            summaries.add(step, step / 10, {"train": {"loss": float(weights[0])}})
            if step % EVERY == 0:
                exported = writer.hidden_model(step)
                exported.write_text(str(step))
                arrays, held = {"model": {"weights": weights}}, summaries.take()
                writer.save(Snapshot(step, arrays, {"step": step}, held, None, exported))
    summaries.end(LAST)


def train_and_die(workdir, at):
    """In a child process, which is killed just before its change number `at` to a file."""
    child = os.fork()
    if child == 0:
        count = [0]

        def watch(event, arguments):
            if event in CHANGES and str(arguments[0]).startswith(str(workdir)):
                count[0] += 1
                if count[0] == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        train(workdir)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def read_events(content):
    """TensorBoard's own reader would load TensorFlow."""
    while content:
        size = int.from_bytes(content[:8], "little")
        yield Event.FromString(content[12 : 12 + size])
        content = content[16 + size :]


def outcome(workdir):
    """All that a run leaves but times: rows, events, and the files with the arrays in them."""
    rows = [(row["step"], row["train"]) for row in read_rows(workdir)]
    shown = [
        (event.step, value.tag, value.simple_value, str(value.tensor))
        for path in sorted((workdir / "tensorboard").iterdir())
        for event in read_events(path.read_bytes())
        for value in event.summary.value
    ]
    arrays = {
        step: checkpoint.load(workdir / "checkpoints" / f"step-{step}")[0]["model"][
            "weights"
        ].tolist()
        for step in saved(workdir)
    }
    folders = (workdir, workdir / "checkpoints")
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    return {
        "rows": rows, "events": shown, "arrays": arrays, "names": names,
        "model": (workdir / "model.keras").read_text(),
    }  # fmt: skip


def kill_everywhere(folder):
    """Returns the numbers of the changes at which a kill made a difference, and how many there are.

    Half of the runs are killed a second time, somewhere else.
    """
    (folder / "undisturbed").mkdir()
    train(folder / "undisturbed")
    expected, differing, at = outcome(folder / "undisturbed"), [], 0
    while True:
        at += 1
        workdir = folder / str(at)
        workdir.mkdir()
        if not train_and_die(workdir, at):
            return {"expected": expected, "differing": differing, "points": at - 1}
        if at % 2:
            train_and_die(workdir, 1 + at * 7 % 40)
        train(workdir)
        if outcome(workdir) != expected:
            differing.append(at)


def test_a_kill_at_any_point_changes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [step for step, _ in found["expected"]["rows"]] == list(range(1, LAST + 1))
    assert found["expected"]["arrays"] == {"6": [63.0, 63.0]}
    assert found["expected"]["model"] == "6"
    assert found["points"] > 40
    assert found["differing"] == []


if __name__ == "__main__":
    print(json.dumps(kill_everywhere(pathlib.Path(sys.argv[1]))))
