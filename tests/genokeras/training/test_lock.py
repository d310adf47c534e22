import dataclasses
import errno
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from genokeras.training import lock
from genokeras.training.lock import Holder, holder, locked
from tfrecords.errors import InputError

HERE = socket.gethostname()


@pytest.fixture
def dead():
    """The number of a process that there is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(workdir, age=0.0, **changes):
    """A lock file as another run has left it, last renewed `age` seconds ago."""
    found = Holder(os.getpid(), HERE, 1e9, lock._born(os.getpid()))
    path = workdir / ".lock"
    path.write_text(json.dumps(dataclasses.asdict(dataclasses.replace(found, **changes))))
    os.utime(path, (time.time() - age, time.time() - age))


def test_second_run_in_one_folder_is_told_who_is_there(tmp_path):
    with locked(tmp_path), pytest.raises(InputError) as error, locked(tmp_path):
        pass
    assert re.fullmatch(
        rf"{tmp_path}: process {os.getpid()} on {HERE} is training in it, since \d\d\d\d-\d\d-\d\d "
        r"\d\d:\d\d:\d\d; wait for it to end, or give another --workdir",
        str(error.value),
    )


def test_the_refused_run_changes_nothing(tmp_path):
    with locked(tmp_path):
        before = holder(tmp_path)
        with pytest.raises(InputError), locked(tmp_path):
            pass
        assert holder(tmp_path) == before
    assert holder(tmp_path) is None
    with locked(tmp_path):
        assert holder(tmp_path).pid == os.getpid()


def test_folder_is_made(tmp_path):
    with locked(tmp_path / "new" / "run"):
        assert (tmp_path / "new" / "run").is_dir()


def test_a_killed_run_leaves_no_lock(tmp_path):
    code = (
        "import pathlib, sys, time\nfrom genokeras.training.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "in\n"
    assert holder(tmp_path).pid == process.pid
    with pytest.raises(InputError, match=f"process {process.pid} on {HERE}"), locked(tmp_path):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (tmp_path / ".lock").stat().st_size > 0
    assert holder(tmp_path) is None
    with locked(tmp_path):
        pass


def test_a_process_of_the_same_number_is_not_the_run(tmp_path):
    """After a reboot, or where numbers begin anew."""
    write(tmp_path)
    assert holder(tmp_path).pid == os.getpid()
    write(tmp_path, born=lock._born(os.getpid()) + 1)
    assert holder(tmp_path) is None


def test_dead_process_of_this_machine_is_seen_at_once(tmp_path, dead):
    write(tmp_path, pid=dead, born=None)
    assert holder(tmp_path) is None


@pytest.mark.parametrize(("age", "is_alive"), [(0, True), (150, True), (200, False)])
def test_a_run_on_another_machine_lives_while_it_is_heard_of(tmp_path, age, is_alive):
    """Where flock does not reach other machines: here it is free."""
    write(tmp_path, age, host="node7", pid=12)
    if not is_alive:
        with locked(tmp_path):
            assert holder(tmp_path).host == HERE
        return
    with pytest.raises(InputError) as error, locked(tmp_path):
        pass
    assert str(error.value).startswith(f"{tmp_path}: process 12 on node7 is training in it, since ")
    assert str(error.value).endswith(
        "; wait for it to end (one that is not heard of for 180 s counts as dead), or give another "
        "--workdir"
    )
    assert holder(tmp_path).host == "node7"


def test_without_flock_the_file_alone_decides(tmp_path, monkeypatch, dead):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with locked(tmp_path), pytest.raises(InputError, match="is training in it"), locked(tmp_path):
        pass
    write(tmp_path, pid=dead, born=None)
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\xff"])
def test_what_is_no_record_holds_no_lock(tmp_path, text):
    (tmp_path / ".lock").write_bytes(text.encode("latin-1"))
    assert holder(tmp_path) is None
    with locked(tmp_path):
        pass


def test_lock_that_was_taken_this_very_moment(tmp_path):
    with (tmp_path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError) as error, locked(tmp_path):
            pass
    assert str(error.value) == (
        f"{tmp_path}: another process is training in it; give another --workdir"
    )


def test_beats_tell_step_and_speed(tmp_path, monkeypatch):
    """Steps 0 and 3 are seen before the clock of the speed begins: the first of them compiles."""
    steps, times = iter([0, 0, 3, 23, 53]), iter([100.0, 200.0, 230.0, 240.0, 250.0])
    with locked(tmp_path) as held:
        monkeypatch.setattr(time, "time", lambda: next(times))
        held.watch(lambda: next(steps))
        speeds = [held._holder.steps_per_second]
        for _ in range(4):
            held.beat()
            speeds.append(held._holder.steps_per_second)
        monkeypatch.undo()
        assert speeds == [None, None, None, 2.0, 2.5]
        assert (holder(tmp_path).step, holder(tmp_path).steps_per_second) == (53, 2.5)
        assert (tmp_path / ".lock").stat().st_size == 1024


def test_the_thread_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_SECONDS_BETWEEN_BEATS", 0.01)
    steps = []
    with locked(tmp_path) as held:
        held.watch(lambda: steps.append(0) or len(steps))
        while len(steps) < 4:
            time.sleep(0.01)
    assert holder(tmp_path) is None
