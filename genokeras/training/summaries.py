"""Curves of a run: rows of metrics.jsonl, and the same numbers and more as TensorBoard events.

Rows and events are held back until the checkpoint after them is there: they are stored in it,
together with the sizes that the files had before, so a run that was killed shows no step twice and
lacks none. TensorFlow is not needed.
"""

import base64
import json
import math
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from genokeras.training import events

Row = dict[str, Any]

METRICS_FILE = "metrics.jsonl"
EVENTS_FOLDER = "tensorboard"

_COUNTS = ("n", "num_undefined")  # The same in every row: no curves.


class Summaries:
    """Writes the rows and events of one run.

    A row is `{"step": n, "epoch": x, "time": seconds, "train": {...}, "valid": {...}}`, one per
    step at which something was measured; `valid` is there where an evaluation was. Every number of
    it is a point of a curve in TensorBoard.
    """

    def __init__(self, workdir: pathlib.Path):
        self._metrics = workdir / METRICS_FILE
        self._folder = workdir / EVENTS_FOLDER
        self._rows: list[Row] = []
        self._events: list[Event] = []
        self._writer: EventFileWriter | None = None

    def begin(self, values: Sequence[events.Value]) -> None:
        """Holds back what TensorBoard is to show of the run as a whole."""
        self._events.append(events.event(0, time.time(), values))

    def add(
        self,
        step: int,
        epoch: float,
        parts: Mapping[str, Mapping[str, Any]],
        values: Sequence[events.Value] = (),
    ) -> None:
        """Holds a row back until the next `commit`, and `values` that TensorBoard shows beside."""
        row = {"step": step, "epoch": round(epoch, 4), "time": round(time.time(), 3), **parts}
        row = _finite(row)
        self._rows.append(row)
        curves = [events.scalar(tag, value) for tag, value in scalars(row)]
        self._events.append(events.event(step, row["time"], [*curves, *values]))

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps: what is held back, the sizes of the files so far."""
        held_back = [base64.b64encode(e.SerializeToString()).decode() for e in self._events]
        return {"rows": list(self._rows), "events": held_back, "sizes": self._sizes()}

    def commit(self) -> None:
        """Writes what was held back; to be called when its checkpoint is there."""
        if self._rows:
            with self._metrics.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in self._rows)
        self._write(self._events)
        self._rows, self._events = [], []

    def rewind(self, state: Mapping[str, Any]) -> None:
        """Brings the files to what they are after the `commit` of the checkpoint of `state`."""
        for path in self._files():
            size = state["sizes"].get(path.name, 0)
            if size == 0:
                path.unlink()
            elif size < path.stat().st_size:
                os.truncate(path, size)
        self._rows = list(state["rows"])
        self._events = [Event.FromString(base64.b64decode(text)) for text in state["events"]]
        self.commit()

    def end(self, step: int) -> None:
        """Writes that the run has ended; `rewind` takes it back, if it is killed after all."""
        now = time.time()
        self._write([events.event(step, now, [events.session_end(now)])])

    def close(self) -> None:
        """Ends the file of events; what is still held back is not written."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, found: Sequence[Event]) -> None:
        if not found:
            return
        if self._writer is None:
            self._writer = EventFileWriter(str(self._folder))
        for event in found:
            self._writer.add_event(event)
        self._writer.flush()

    def _files(self) -> list[pathlib.Path]:
        found = sorted(self._folder.glob("events.out.tfevents.*"))
        return [*found, *([self._metrics] if self._metrics.exists() else [])]

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


def _finite(value: Any) -> Any:
    """Returns the value as JSON can hold it: NumPy numbers as Python's, infinite ones as None."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if value is None or isinstance(value, bool | int):
        return value
    return float(value) if math.isfinite(value) else None
