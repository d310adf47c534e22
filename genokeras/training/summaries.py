"""Curves of a run: rows of metrics.jsonl, and the same numbers and more as TensorBoard events.

Rows and events are held back until the checkpoint after them is there: they are stored in it,
together with the sizes that the files had before, so a run that was killed shows no step twice and
lacks none. What is held back belongs to the thread that trains, the files to the one that writes
checkpoints. TensorFlow is not needed.
"""

import base64
import dataclasses
import json
import math
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event

from genokeras.training import events
from genokeras.training.event_file import EventFile
from tfrecords.files import naming, sync

Row = dict[str, Any]

METRICS_FILE = "metrics.jsonl"
EVENTS_FOLDER = "tensorboard"

_COUNTS = ("n", "num_undefined")  # The same in every row: no curves.


@dataclasses.dataclass(frozen=True)
class HeldBack:
    """Rows and events that wait for their checkpoint."""

    rows: list[Row] = dataclasses.field(default_factory=list)
    events: list[Event] = dataclasses.field(default_factory=list)


class Summaries:
    """Writes the rows and events of one run.

    A row is `{"step": n, "epoch": x, "time": seconds, "train": {...}, "valid": {...}}`, one per
    step at which something was measured; `valid` is there where an evaluation was. Every number of
    it is a point of a curve in TensorBoard.
    """

    def __init__(self, workdir: pathlib.Path):
        self._metrics = workdir / METRICS_FILE
        self._folder = workdir / EVENTS_FOLDER
        self._held = HeldBack()
        self._events = EventFile(self._folder)

    def begin(self, values: Sequence[events.Value]) -> None:
        """Holds back what TensorBoard is to show of the run as a whole."""
        self._held.events.append(events.event(0, time.time(), values))

    def add(
        self,
        step: int,
        epoch: float,
        parts: Mapping[str, Mapping[str, Any]],
        values: Sequence[events.Value] = (),
    ) -> None:
        """Holds a row back for the next checkpoint, and `values` that TensorBoard shows beside."""
        row = {"step": step, "epoch": round(epoch, 4), "time": round(time.time(), 3), **parts}
        row = _finite(row)
        self._held.rows.append(row)
        curves = [events.scalar(tag, value) for tag, value in scalars(row)]
        self._held.events.append(events.event(step, row["time"], [*curves, *values]))

    def take(self) -> HeldBack:
        """Returns all that is held back, to be written with a checkpoint of now."""
        held, self._held = self._held, HeldBack()
        return held

    def state(self, held: HeldBack) -> dict[str, Any]:
        """Returns what the checkpoint of `held` keeps: it, and the sizes of the files so far.

        To be called when what was held back before has been committed.
        """
        coded = [base64.b64encode(event.SerializeToString()).decode() for event in held.events]
        return {"rows": held.rows, "events": coded, "sizes": self._sizes()}

    def commit(self, held: HeldBack) -> None:
        """Writes what was held back; to be called when its checkpoint is there."""
        if held.rows:
            with naming(self._metrics), self._metrics.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in held.rows)
            sync(self._metrics)
        self._events.write(held.events)

    def rewind(self, state: Mapping[str, Any]) -> None:
        """Brings the files to what they are after the `commit` of the checkpoint of `state`."""
        for path in self._files():
            size = state["sizes"].get(path.name, 0)
            if size == 0:
                path.unlink()
            elif size < path.stat().st_size:
                os.truncate(path, size)
        decoded = [Event.FromString(base64.b64decode(text)) for text in state["events"]]
        self.commit(HeldBack(state["rows"], decoded))

    def end(self, step: int) -> None:
        """Writes that the run has ended; `rewind` takes it back, if it is killed after all."""
        now = time.time()
        self._events.write([events.event(step, now, [events.session_end(now)])])

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
