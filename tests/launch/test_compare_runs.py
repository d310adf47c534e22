"""The runs of a comparison, with processes that take no time in the place of both launchers."""

import collections
import pathlib
import signal
import sys
import threading
import time

import pytest

from genokeras.comparison.configurations import Configuration
from genokeras.comparison.results import NOT_YET, row
from genokeras.comparison.runs import ComparedDataset, plan
from genokeras.training import lock
from genokeras.training.stopping import StopRequest
from launch import compare_runs

STAND_IN = pathlib.Path(__file__).with_name("stand_in_launchers.py")


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Returns all runs of configurations `{name: flag or None}` with some seeds, on one dataset."""
    monkeypatch.setattr(compare_runs, "_PYTHON", (sys.executable, "-S", str(STAND_IN)))

    def planned(flags, seeds):
        configurations = [
            Configuration(name, (flag,) if flag else (), "c.txt:1") for name, flag in flags.items()
        ]
        return plan(tmp_path, configurations, [ComparedDataset("d", "data", "sha")], seeds)

    return planned


def make(runs, stop=None, budget=compare_runs.NO_BUDGET, lines=None, done=lambda run, number: None):
    return compare_runs.make(
        runs, "test", ["--steps=2"], budget_seconds=budget,
        stop=StopRequest() if stop is None else stop,
        log=[].append if lines is None else lines.append, done=done,
    )  # fmt: skip


def rows(runs):
    return {one.title: row(one, "test", NOT_YET) for one in runs}


def calls(runs):
    """How often each launcher was called for each run, in the order of first calls."""
    return collections.Counter((runs[0].folder / "calls").read_text().splitlines())


def test_all_are_made_once_and_a_failing_one_says_why(planned):
    runs = planned({"a": None, "b": "--fail=no such field", "c": "--crash", "k": "--kill"}, [0, 1])
    told = []
    assert make(runs, done=lambda run, number: told.append(f"{number} {run.title}"))
    assert told[:2] == ["[1/8] d, a, seed 0", "[2/8] d, b, seed 0"]
    found = rows(runs)
    assert found["d, a, seed 1"].value("auroc") == 0.6
    assert found["d, a, seed 1"].cpu_minutes > 0
    assert found["d, b, seed 0"].reason == "no such field"
    assert found["d, c, seed 0"].reason == f"RuntimeError: a bug, see {runs[2].log_file}"
    assert found["d, k, seed 0"].reason == f"killed by SIGKILL, see {runs[3].log_file}"
    assert {one.state for name, one in found.items() if ", a," not in name} == {"failed"}
    first = calls(runs)
    assert set(first.values()) == {1}
    assert list(first)[:2] == ["launch.train d/a/seed-0", "launch.evaluate d/a/seed-0"]
    assert "launch.evaluate d/b/seed-0" not in first
    log = runs[0].log_file.read_text()
    assert "launch.train --steps=2 --data_dir=data --workdir=" in log
    # The same again tries what has failed, which goes well now, and nothing else.
    assert make(runs)
    assert {one.state for one in rows(runs).values()} == {"done"}
    assert calls(runs)["launch.train d/a/seed-0"] == 1
    assert calls(runs)["launch.train d/b/seed-0"] == 2


def test_another_split_is_scored_without_training(planned):
    runs = planned({"a": None}, [0])
    make(runs)
    compare_runs.make(
        runs, "valid", [], budget_seconds=1e9, stop=StopRequest(), log=print,
        done=lambda run, number: None,
    )  # fmt: skip
    assert calls(runs) == {"launch.train d/a/seed-0": 1, "launch.evaluate d/a/seed-0": 2}


def test_a_budget_leaves_first_seeds_whole_and_is_kept_over_attempts(planned):
    runs = planned({"a": "--burn=0.6", "b": "--burn=0.6"}, [0, 1])
    assert not make(runs, budget=1.0)
    found = rows(runs)
    assert [one.state for one in found.values()] == ["done", "missing", "missing", "missing"]
    assert found["d, b, seed 0"].reason == "stopped before its end"
    assert not make(runs, budget=1.0)  # It is used up for good.
    assert calls(runs)["launch.train d/b/seed-0"] == 1
    assert make(runs, budget=100.0)
    assert {one.state for one in rows(runs).values()} == {"done"}
    assert calls(runs)["launch.train d/a/seed-0"] == 1


def test_sigterm_stops_the_run_in_order_and_the_same_goes_on(planned):
    runs, stop = planned({"a": None, "b": "--wait", "c": None}, [0]), StopRequest()

    def stop_later():
        while not (runs[1].workdir / "begun").exists():
            time.sleep(0.01)
        stop.signal = signal.SIGTERM

    thread = threading.Thread(target=stop_later)
    thread.start()
    make(runs, stop)
    thread.join()
    found = rows(runs)
    assert [one.state for one in found.values()] == ["done", "missing", "missing"]
    assert [one.reason for one in found.values()] == ["", "stopped before its end", NOT_YET]
    assert "stopped by SIGTERM at step 1, saved" in runs[1].log_file.read_text()
    assert make(runs)
    assert {one.state for one in rows(runs).values()} == {"done"}
    assert calls(runs)["launch.train d/a/seed-0"] == 1


def test_a_run_that_goes_on_by_itself_is_waited_for(planned, monkeypatch):
    """As after a kill of the comparison alone, of which its run knows nothing."""
    [run] = planned({"a": None}, [0])
    holders = [lock.Holder(pid=12, host="here", since=0.0, born=None)] * 2 + [None]
    monkeypatch.setattr(lock, "holder", lambda workdir: holders.pop(0))
    monkeypatch.setattr(compare_runs.time, "sleep", lambda seconds: None)
    lines = []
    make([run], lines=lines)
    assert lines == ["d, a, seed 0: process 12 on here still trains it; waiting"]
    assert rows([run])["d, a, seed 0"].state == "done"
