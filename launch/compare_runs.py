"""Makes the runs of a comparison, one after the other, each in processes of its own.

A run is trained by launch.train and scored by launch.evaluate, so it is the same as one made by
hand; one that fails ends nothing but itself.
"""

import dataclasses
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from genokeras.comparison import runs
from genokeras.comparison.runs import SCORED_WITH, PlannedRun, Record
from genokeras.training import lock
from genokeras.training.stopping import StopRequest
from launch import app

# Before the name of a launcher.
_PYTHON = (sys.executable, "-m")
_SECONDS_BETWEEN_LOOKS = 0.1
_STOPPED = "stopped before its end"
NO_BUDGET = float("inf")


@dataclasses.dataclass(frozen=True)
class _Ended:
    """How a process ended, what it took, and whether it had been asked to."""

    code: int
    seconds: float
    cpu_seconds: float
    was_asked: bool


def make(
    planned: Sequence[PlannedRun],
    split: str,
    flags: Sequence[str],
    *,
    budget_seconds: float,
    stop: StopRequest,
    log: Callable[[str], None],
    done: Callable[[PlannedRun, str], None],
) -> bool:
    """Makes the runs that are not there yet, in their order; returns whether the budget is enough.

    What is asked to stop ends the run that is being made, which is saved, and makes no more.

    Args:
        planned: All runs of the comparison.
        split: Which to score.
        flags: Of launch.train, of all runs, before those of each.
        budget_seconds: CPU time that all runs in the folder may take together, over all attempts.
        stop: Whether to stop.
        log: Takes one-line messages.
        done: Called with a run that has ended, well or not, and how many there are before it.
    """
    for number, run in enumerate(planned, start=1):
        if run.scores(split) is not None:
            continue
        left = budget_seconds - runs.cpu_seconds(run.folder)
        if left <= 0:
            return False
        _wait_for_others(run, stop, log)
        if stop:
            break
        _make(run, split, flags, left, stop)
        done(run, f"[{number}/{len(planned)}]")
        if stop:
            break
    is_done = all(run.scores(split) is not None for run in planned)
    return is_done or runs.cpu_seconds(planned[0].folder) < budget_seconds


def _make(
    run: PlannedRun, split: str, flags: Sequence[str], left: float, stop: StopRequest
) -> None:
    asked = [*flags, *run.configuration.flags]
    record = run.record() or Record(asked, run.dataset.manifest_sha256)
    record.problem, record.has_failed = "", False
    run.save(record)
    where = [f"--data_dir={run.dataset.data_dir}", f"--workdir={run.workdir}"]
    train = ["launch.train", *asked, *where, f"--seed={run.seed}"]
    scoring = [f"--{name}={value}" for name, value in SCORED_WITH.items()]
    evaluate = ["launch.evaluate", *where, f"--split={split}", *scoring]
    # What is saved goes on later, so training may end with the budget; scoring takes seconds.
    commands = [(train, left)] if not run.is_trained else []
    commands.append(([*evaluate, "--nobaseline", "--noreport"], NO_BUDGET))
    for words, limit in commands:
        begin = run.log_file.stat().st_size if run.log_file.exists() else 0
        ended = _call(words, run.log_file, limit, stop)
        record.seconds += ended.seconds
        record.cpu_seconds += ended.cpu_seconds
        is_over = bool(ended.code or stop)
        if is_over:
            is_saved = not ended.code or ended.was_asked or ended.code == app.EXIT_AGAIN
            record.has_failed = not is_saved
            record.problem = _STOPPED if is_saved else _reason(ended.code, run.log_file, begin)
        run.save(record)
        if is_over:
            return


def _call(words: Sequence[str], log_file: pathlib.Path, limit: float, stop: StopRequest) -> _Ended:
    """Runs a launcher until it ends, and asks it to when `stop` says so or `limit` is reached."""
    command = [*_PYTHON, *words]
    began, was_asked = time.monotonic(), False
    with log_file.open("a") as log:
        log.write(f"$ {shlex.join(command)}\n")
        log.flush()
        # Its own session: Ctrl-C is for this process, which passes it on once.
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if not was_asked and (stop or (_cpu_seconds(child.pid) or 0.0) > limit):
            os.kill(child.pid, signal.SIGTERM)
            was_asked = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    child.returncode = os.waitstatus_to_exitcode(status)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return _Ended(child.returncode, time.monotonic() - began, cpu_seconds, was_asked)


def _wait_for_others(run: PlannedRun, stop: StopRequest, log: Callable[[str], None]) -> None:
    """Waits while the run goes on by itself, as after a kill of the comparison that began it."""
    is_told = False
    while (holder := lock.holder(run.workdir)) is not None and not stop:
        if not is_told:
            log(f"{run.title}: process {holder.pid} on {holder.host} still trains it; waiting")
        is_told = True
        time.sleep(1.0)


def _reason(code: int, log_file: pathlib.Path, begin: int) -> str:
    """Returns why a launcher has failed: what it said last, or by which signal it was killed."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}, see {log_file}"
    with log_file.open(errors="replace") as file:
        file.seek(begin)
        said = [line.strip() for line in file if line.strip()]
    mistakes = [line.removeprefix("error: ") for line in said if line.startswith("error: ")]
    return mistakes[-1] if mistakes else f"{said[-1]}, see {log_file}"


def _cpu_seconds(pid: int) -> float | None:
    """Returns what a process and its ended children have computed; None where nobody says."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything, also spaces.
    times = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
