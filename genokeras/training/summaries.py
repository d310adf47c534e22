"""Curves of a run: rows of metrics.jsonl, and the same numbers as TensorBoard scalars.

Rows are held back until the checkpoint after them is there: they are stored in it, together with
the sizes that the files had before, so a run that was killed shows no step twice and lacks none.
TensorFlow is not needed.
"""

import json
import math
import os
import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

Row = dict[str, Any]

METRICS_FILE = "metrics.jsonl"
EVENTS_FOLDER = "tensorboard"

_COUNTS = ("n", "num_undefined")  # The same in every row: no curves.


class Summaries:
    """Writes the rows of one run.

    A row is `{"step": n, "epoch": x, "time": seconds, "train": {...}, "valid": {...}}`, one per
    step at which something was measured; `valid` is there where an evaluation was.
    """

    def __init__(self, workdir: pathlib.Path):
        self._metrics = workdir / METRICS_FILE
        self._events = workdir / EVENTS_FOLDER
        self._pending: list[Row] = []
        self._writer: EventFileWriter | None = None

    def add(self, step: int, epoch: float, parts: Mapping[str, Mapping[str, Any]]) -> None:
        """Holds a row back until the next `commit`."""
        row = {"step": step, "epoch": round(epoch, 4), "time": round(time.time(), 3), **parts}
        self._pending.append(_finite(row))

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps: the rows held back, the sizes of the files so far."""
        return {"rows": list(self._pending), "sizes": self._sizes()}

    def commit(self) -> None:
        """Writes the rows held back; to be called when their checkpoint is there."""
        if not self._pending:
            return
        with self._metrics.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in self._pending)
        if self._writer is None:
            self._writer = EventFileWriter(str(self._events))
        for row in self._pending:
            self._writer.add_event(_event(row))
        self._writer.flush()
        self._pending = []

    def rewind(self, state: Mapping[str, Any]) -> None:
        """Brings the files to what they are after the `commit` of the checkpoint of `state`."""
        for path in self._files():
            size = state["sizes"].get(path.name, 0)
            if size == 0:
                path.unlink()
            elif size < path.stat().st_size:
                os.truncate(path, size)
        self._pending = list(state["rows"])
        self.commit()

    def close(self) -> None:
        """Ends the file of events; rows still held back are not written."""
        if self._writer is not None:
            self._writer.close()

    def _files(self) -> list[pathlib.Path]:
        events = sorted(self._events.glob("events.out.tfevents.*"))
        return [*events, *([self._metrics] if self._metrics.exists() else [])]

    def _sizes(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self._files()}


def read_rows(workdir: pathlib.Path) -> list[Row]:
    """Returns the rows of a run's metrics.jsonl."""
    path = workdir / METRICS_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def scalars(row: Row) -> Iterator[tuple[str, float]]:
    """Yields tag and value of every metric of a row: `valid/auroc`, `valid/auroc/CTCF`, ..."""
    for part in ("train", "valid"):
        values = dict(row.get(part, {}))
        for task, task_values in values.pop("tasks", {}).items():
            values |= {f"{name}/{task}": value for name, value in task_values.items()}
        for name, value in values.items():
            if value is not None and name.split("/")[0] not in _COUNTS:
                yield f"{part}/{name}", value


def _event(row: Row) -> event_pb2.Event:
    values = [summary_pb2.Summary.Value(tag=tag, simple_value=x) for tag, x in scalars(row)]
    summary = summary_pb2.Summary(value=values)
    return event_pb2.Event(wall_time=row["time"], step=row["step"], summary=summary)


def _finite(value: Any) -> Any:
    """Returns the value as JSON can hold it: NumPy numbers as Python's, infinite ones as None."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if value is None or isinstance(value, bool | int):
        return value
    return float(value) if math.isfinite(value) else None
