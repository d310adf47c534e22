"""Where a run stands, from the files in its work folder. Loads neither Keras nor TensorFlow."""

import dataclasses
import json
import os
import pathlib
import shlex
import time
from collections.abc import Iterator, Sequence
from typing import Any

from genokeras import config as configs
from genokeras.training import checkpoint, lock, settings
from genokeras.training.run_files import CHECKPOINTS, RESULT_FILE
from genokeras.training.summaries import Row, read_rows
from genokeras.training.train_config import Plan, TrainConfig, plan
from tfrecords.errors import InputError
from tfrecords.remote_path import is_remote

STARTING, RUNNING, STOPPED, FINISHED, DAMAGED = (
    "starting", "running", "stopped", "finished", "damaged",
)  # fmt: skip

_DEPTH = 3  # How far below a folder runs are looked for.


@dataclasses.dataclass(frozen=True)
class Status:
    """Where a run stands. What is not known, or not yet, is None or empty.

    Attributes:
        workdir: Its folder.
        state: `starting` (it has no step to show yet), `running`, `stopped`, `finished` or
            `damaged`.
        problem: What is wrong: in a `damaged` run, or with its last checkpoint.
        holder: The process that trains.
        step: Steps made.
        steps: Steps planned.
        epoch: Passes over the training split.
        last: Step and valid scores of the last evaluation.
        best: Likewise of the best one.
        best_metric: What the best one is chosen by.
        steps_per_second: Of the process that trains, its evaluations included.
        examples_per_second: Of the last training steps that were measured.
        seconds_left: Until the last step.
        checkpoint_step: The step of the last whole checkpoint.
        checkpoint_seconds: Its age.
        command: What goes on with a run that is stopped.
    """

    workdir: pathlib.Path
    state: str
    problem: str = ""
    holder: lock.Holder | None = None
    step: int = 0
    steps: int | None = None
    epoch: float = 0.0
    last: tuple[int, dict[str, Any]] | None = None
    best: tuple[int, dict[str, Any]] | None = None
    best_metric: str = ""
    steps_per_second: float | None = None
    examples_per_second: float | None = None
    seconds_left: float | None = None
    checkpoint_step: int | None = None
    checkpoint_seconds: float | None = None
    command: str = ""


def find_runs(text: str) -> list[pathlib.Path]:
    """Returns the work folders that are meant: of a folder that is none, all those in it.

    Args:
        text: A folder, or several with commas between.

    Raises:
        InputError: There is no such folder, or no run in it.
    """
    found: list[pathlib.Path] = []
    for part in [text] if os.path.isdir(text) else text.split(","):
        if is_remote(part):
            raise InputError(
                f"--workdir={part}: only folders of this machine can be looked at; ask the machine "
                "that trains for the folder that its log names"
            )
        if not os.path.isdir(part):
            raise InputError(f"--workdir={text}: no folder {part!r}")
        runs = sorted(_runs_below(pathlib.Path(part), _DEPTH))
        if not runs:
            raise InputError(
                f"{part}: no run here, nor in the folders in it: none has a {settings.CONFIG_FILE}"
            )
        found += [run for run in runs if run not in found]
    return found


def status(workdir: pathlib.Path) -> Status:
    """Returns where the run in `workdir` stands."""
    holder = lock.holder(workdir)
    try:
        described = settings.read(workdir)
        if described is None:
            return Status(workdir, STARTING, holder=holder)
        training, steps = _planned(workdir, described)
        result = _result(workdir)
        rows = read_rows(workdir)
        saved, problem = _last_checkpoint(workdir, is_quiet=holder is None and result is None)
    except ValueError as error:
        return Status(workdir, DAMAGED, str(error), holder)
    known = {
        "holder": holder,
        "problem": problem,
        "steps": steps.steps,
        "best_metric": training.best_metric,
        **_scores(rows, saved, result),
        **_checkpoint(workdir, saved),
    }
    step = saved["step"] if saved else 0
    if result is not None:
        return Status(workdir, FINISHED, **known, **_progress(result["steps"], steps))
    if holder is not None:
        step = step if holder.step is None else holder.step
        speed = _speed(holder, rows, steps.steps - step)
        return Status(workdir, RUNNING, **known, **_progress(step, steps), **speed)
    state = DAMAGED if problem and not saved else STOPPED
    command = f"python -m launch.train --flagfile={shlex.quote(str(workdir / settings.FLAGS_FILE))}"
    return Status(workdir, state, **known, **_progress(step, steps), command=command)


def _runs_below(folder: pathlib.Path, depth: int) -> Iterator[pathlib.Path]:
    if (folder / settings.CONFIG_FILE).is_file() or lock.holder(folder) is not None:
        yield folder
    elif depth:
        for entry in os.scandir(folder):
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _runs_below(folder / entry.name, depth - 1)


def _planned(workdir: pathlib.Path, described: dict[str, Any]) -> tuple[TrainConfig, Plan]:
    try:
        training = configs.from_dict(TrainConfig, described["training"])
        return training, plan(training, described["dataset"]["examples"]["train"])
    except (InputError, KeyError) as error:
        raise InputError(f"{workdir / settings.CONFIG_FILE}: {error}") from None


def _result(workdir: pathlib.Path) -> dict[str, Any] | None:
    path = workdir / RESULT_FILE
    if not path.exists():
        return None
    try:
        result = json.loads(path.read_text())
        return {name: result[name] for name in ("steps", "best_step", "scores")}
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not the result of a run") from None


def _last_checkpoint(workdir: pathlib.Path, is_quiet: bool) -> tuple[dict[str, Any] | None, str]:
    """Returns the state of the last whole checkpoint, and what is wrong with later ones.

    Where nothing is written any more (`is_quiet`) every byte is checked, else the state alone.
    """
    problem = ""
    for step in reversed(checkpoint.steps(workdir / CHECKPOINTS)):
        path = checkpoint.folder(workdir / CHECKPOINTS, step)
        try:
            if is_quiet:
                checkpoint.check(path)
            return checkpoint.load(path, ())[1], problem
        except InputError as error:
            problem = problem or str(error)
    return None, problem


def _checkpoint(workdir: pathlib.Path, saved: dict[str, Any] | None) -> dict[str, Any]:
    if saved is None:
        return {}
    path = checkpoint.folder(workdir / CHECKPOINTS, saved["step"])
    try:
        age = max(0.0, time.time() - path.stat().st_mtime)
    except OSError:  # Of a run that has removed it meanwhile.
        return {}
    return {"checkpoint_step": saved["step"], "checkpoint_seconds": age}


def _scores(
    rows: Sequence[Row], saved: dict[str, Any] | None, result: dict[str, Any] | None
) -> dict[str, Any]:
    """Returns the valid scores of the last and of the best evaluation, if there were any."""
    by_step = {row["step"]: row["valid"] for row in rows if row.get("valid") and row["step"]}
    best = result["best_step"] if result else saved and saved["best"]["best_step"]
    found: dict[str, Any] = {"last": max(by_step.items(), default=None, key=lambda item: item[0])}
    if best in by_step:
        found["best"] = best, by_step[best]
    return found


def _progress(step: int, steps: Plan) -> dict[str, Any]:
    return {"step": step, "epoch": step / steps.steps_per_epoch}


def _speed(holder: lock.Holder, rows: Sequence[Row], steps_left: int) -> dict[str, float]:
    known = {}
    if holder.steps_per_second:
        known["steps_per_second"] = holder.steps_per_second
        known["seconds_left"] = steps_left / holder.steps_per_second
    measured = [row["train"] for row in rows if "examples_per_second" in row.get("train", {})]
    if measured:
        known["examples_per_second"] = measured[-1]["examples_per_second"]
    return known
