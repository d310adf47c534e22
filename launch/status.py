"""Tells where runs stand: how far, how good, how fast, and what goes on with those that stopped.

python -m launch.status --workdir=runs/tf0/run
python -m launch.status --workdir=runs

Reads what lies in the work folder, also while the run goes on; of several runs (RUN1,RUN2, or a
folder with runs in it) there is a line each.
"""

import time
from typing import Any

from absl import flags

from genokeras.training import status
from genokeras.training.status import Status
from launch import app

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run, several (RUN1,RUN2,...), or a folder with runs in it.",
    required=True,
)  # fmt: skip

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_SHOWN = ("loss", "auroc", "pearson_r")  # Of all scores: what judges, and what ranks.
_COLUMNS = ("run", "state", "step", "last valid", "best valid", "time left", "checkpoint")


def main() -> None:
    found = [status.status(workdir) for workdir in status.find_runs(_WORKDIR.value)]
    print(describe(found[0]) if len(found) == 1 else table(found))


def describe(run: Status) -> str:
    """Returns all that is known of a run, in a few lines."""
    lines = [f"{run.workdir}: {_state(run)}"]
    if run.steps is not None:
        share = 100 * run.step // run.steps
        lines.append(f"  step {run.step:,} of {run.steps:,} ({share}%), epoch {run.epoch:.2f}")
    if run.last:
        lines.append(f"  last evaluation: {_scores(run.last)}")
    if run.best:
        lines.append(f"  best, by {run.best_metric}: {_scores(run.best)}")
    if speed := _speed(run):
        lines.append(f"  {speed}")
    if run.checkpoint_step is not None:
        lines.append(
            f"  checkpoint: step {run.checkpoint_step:,}, {duration(run.checkpoint_seconds)} ago"
        )
    if run.problem:
        lines.append(f"  problem: {run.problem}")
    if run.command:
        lines.append(f"  goes on with: {run.command}")
    return "\n".join(lines)


def table(runs: list[Status]) -> str:
    """Returns a line for each run, and what is wrong with some of them."""
    rows = [_COLUMNS, *map(_row, runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    padded = (zip(row, widths, strict=True) for row in rows)
    lines = ["  ".join(f"{cell:{width}}" for cell, width in row).rstrip() for row in padded]
    return "\n".join([*lines, *(f"{run.workdir}: {run.problem}" for run in runs if run.problem)])


def duration(seconds: float) -> str:
    """Returns a length of time in its largest unit: `40 s`, `5 min`, `2.5 h`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return (
                f"{seconds / size:.0f} {unit}" if unit == "min" else f"{seconds / size:.1f} {unit}"
            )
    return f"{seconds:.0f} s"


def _state(run: Status) -> str:
    if run.holder is None:
        return run.state
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.holder.since))
    return f"{run.state}, process {run.holder.pid} on {run.holder.host} since {since}"


def _scores(evaluation: tuple[int, dict[str, Any]]) -> str:
    step, scores = evaluation
    shown = [f"{name} {scores[name]:.4f}" for name in _SHOWN if scores.get(name) is not None]
    return "  ".join([f"step {step:,}", *shown])


def _speed(run: Status) -> str:
    parts = []
    if run.steps_per_second:
        parts.append(f"{run.steps_per_second:.3g} steps/s")
    if run.examples_per_second:
        parts.append(f"{run.examples_per_second:,.0f} examples/s")
    if run.seconds_left is not None:
        parts.append(f"about {duration(run.seconds_left)} left")
    return ", ".join(parts)


def _row(run: Status) -> tuple[str, ...]:
    return (
        str(run.workdir),
        run.state,
        "" if run.steps is None else f"{run.step:,}/{run.steps:,}",
        "" if run.last is None else _scores(run.last),
        "" if run.best is None else _scores(run.best),
        "" if run.seconds_left is None else duration(run.seconds_left),
        "" if run.checkpoint_seconds is None else f"{duration(run.checkpoint_seconds)} ago",
    )


if __name__ == "__main__":
    app.run(main)
