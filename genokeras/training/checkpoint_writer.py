"""Checkpoints written beside training: by one thread, in order, each with what belongs to it.

The trainer hands over copies and goes on. Of each checkpoint the thread writes the arrays, then
what may only be there when they are: the exported model, rows and events; last it removes what is
too old. So a run that is killed anywhere in between has a checkpoint that knows what is missing.
"""

import contextlib
import dataclasses
import pathlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from genokeras.training import checkpoint
from genokeras.training.summaries import HeldBack, Summaries
from tfrecords.errors import InputError
from tfrecords.files import sync


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A run at a step, with nothing in it that training changes afterwards.

    Attributes:
        step: The number of the step.
        arrays: What the engine holds, as NumPy arrays of their own.
        state: All else that a checkpoint keeps, except for the summaries.
        held: Rows and events since the last snapshot.
        protected: A step whose checkpoint is to be kept, however old: that of the best evaluation.
        exported: The hidden file with the model of this step, if it is to be exported.
    """

    step: int
    arrays: checkpoint.Arrays
    state: dict[str, Any]
    held: HeldBack
    protected: int | None = None
    exported: pathlib.Path | None = None


class CheckpointWriter:
    """Saves snapshots; while one is written, another may wait, and `save` blocks for a third.

    A context manager: at its end everything is written. What goes wrong in the thread is raised by
    the next call; nothing is written after it. After Ctrl-C, what has not been begun is not written
    any more.
    """

    def __init__(
        self,
        checkpoints: pathlib.Path,
        summaries: Summaries,
        keep: int,
        model_file: pathlib.Path,
        publish: Callable[[], None] | None = None,
    ):
        """`publish` is called when all that belongs to a checkpoint is written."""
        self._checkpoints, self._summaries, self._keep = checkpoints, summaries, keep
        self._model_file, self._publish = model_file, publish
        self._queue: queue.Queue[Snapshot | None] = queue.Queue(1)
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "CheckpointWriter":
        for path in self._model_file.parent.glob(f".writing.*.{self._model_file.name}"):
            path.unlink()  # Of a run that was killed.
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt and self._problem is None:
            self._problem = KeyboardInterrupt()
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self.check()

    def hidden_model(self, step: int) -> pathlib.Path:
        """Returns where to export the model of a step until its checkpoint is there."""
        return self._model_file.with_name(f".writing.step-{step}.{self._model_file.name}")

    def save(self, snapshot: Snapshot) -> None:
        """Hands a snapshot over; the thread writes it when those before it are written."""
        self.check()
        self._queue.put(snapshot)

    def wait(self) -> None:
        """Returns when all that was handed over is written."""
        self._queue.join()
        self.check()

    def check(self) -> None:
        """Raises what has gone wrong in the thread.

        Raises:
            InputError: A file could not be written: the disk is full, or the folder is read-only.
        """
        if self._problem is not None:
            raise self._problem

    @contextlib.contextmanager
    def explaining(self, step: int) -> Iterator[None]:
        """In this block, which saves `step`, what cannot be written is an `InputError`."""
        try:
            yield
        except OSError as error:
            saved = [number for number in checkpoint.steps(self._checkpoints) if number <= step]
            last = (
                f"its last checkpoint is of step {saved[-1]}" if saved else "it has no checkpoint"
            )
            raise InputError(
                f"{error.filename}: {error.strerror}, while step {step} was saved; mend this, and "
                f"the same command goes on with the run: {last}"
            ) from error

    def _work(self) -> None:
        while (snapshot := self._queue.get()) is not None:
            # After a problem the queue is still emptied, since the trainer may be waiting for it.
            if self._problem is None:
                try:
                    with self.explaining(snapshot.step):
                        self._write(snapshot)
                except BaseException as error:  # It belongs to the thread that trains.
                    self._problem = error
            self._queue.task_done()

    def _write(self, snapshot: Snapshot) -> None:
        # The sizes of the files are those of now: all before this snapshot has been committed.
        state = snapshot.state | {"summaries": self._summaries.state(snapshot.held)}
        checkpoint.save(self._checkpoints, snapshot.step, snapshot.arrays, state)
        if snapshot.exported is not None:
            sync(snapshot.exported)
            snapshot.exported.replace(self._model_file)
        self._summaries.commit(snapshot.held)
        checkpoint.prune(self._checkpoints, snapshot.step, self._keep, {snapshot.protected})
        if self._publish is not None:
            self._publish()
