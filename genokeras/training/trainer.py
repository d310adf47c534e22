"""The loop that every engine shares: steps, evaluations, checkpoints, curves, early stopping.

Everything that decides what happens at a step is a function of the step, or is in the checkpoint.
So a run that is killed and started again does what it would have done.
"""

import contextlib
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from genokeras.training import checkpoint, events, variables
from genokeras.training.agreement import Agreement
from genokeras.training.bad_batch import not_finite
from genokeras.training.best_evaluation import BestEvaluation
from genokeras.training.checkpoint_writer import CheckpointWriter, Snapshot
from genokeras.training.chunks import chunk_sizes
from genokeras.training.devices import Batch, Engine
from genokeras.training.evaluations import Evaluations, Row
from genokeras.training.job import Job
from genokeras.training.prefetch import Prefetch
from genokeras.training.run_files import CHECKPOINTS, MODEL_FILE
from genokeras.training.step_trace import StepTrace
from genokeras.training.stopping import EvaluationStopped, InputStopped, StopRequest
from genokeras.training.summaries import Summaries
from genokeras.training.train_config import LAST
from genokeras.training.usage import Usage
from genokeras.training.window import Window
from tfrecords.errors import InputError
from tfrecords.files import naming, replacing

_PATIENCE_S = 10.0
_NOTHING_WRITTEN = {"rows": [], "events": [], "sizes": {}}


class Trainer:
    """Trains one job with one engine; `tracker` decides which evaluation is the best."""

    def __init__(self, job: Job, engine: Engine, tracker: BestEvaluation):
        self._job, self._engine, self._tracker = job, engine, tracker
        self._is_chief = job.devices.host == 0
        self._summaries = Summaries(job.workdir)
        self._checkpoints, self._model_file = job.workdir / CHECKPOINTS, job.workdir / MODEL_FILE
        keep = job.training.keep_checkpoints
        self._writer = CheckpointWriter(
            self._checkpoints, self._summaries, keep, self._model_file, job.publish
        )
        self._evaluations = Evaluations(job, engine, tracker, self._weights)
        self._window, self._trace = Window(), StepTrace(job)
        self._agreement = Agreement(job.devices)
        self._usage = Usage(job.devices, engine, job.training)
        self._saved_step: int | None = None
        self._exported_step: int | None = None
        # What comes after the steps that were made has still to be done: an evaluation was stopped.
        self._is_due = False
        self.step = 0
        self.last_loss = float("nan")

    def restore(self) -> bool:
        """Goes on from the newest checkpoint; returns whether there was one."""
        found = checkpoint.load_newest(self._checkpoints, self._job.log)
        self._check_agreement(found[1]["step"] if found else 0)
        if found is None:
            if self._is_chief:
                self._summaries.rewind(_NOTHING_WRITTEN)
            return False
        arrays, state = found
        self._engine.load_state(arrays, str(checkpoint.folder(self._checkpoints, state["step"])))
        self.step, self.last_loss = state["step"], state["last_loss"]
        self._is_due, self._saved_step = state["is_due"], state["step"]
        self._tracker.load_state(state["best"])
        self._window.load_state(state["window"])
        if self._is_chief:
            self._finish_saving(state)
        return True

    def begin(self, values: Sequence[events.Value]) -> None:
        """Starts a new run, of which TensorBoard is to show `values`."""
        self._summaries.begin(values)

    def fit(self, stop: StopRequest | None = None) -> None:
        """Trains to the last step, or until no evaluation is better any more; exports the best.

        Raises:
            Stopped: It was asked to stop, and all is saved.
        """
        stop = StopRequest() if stop is None else stop
        stop.at_once = False
        job = self._job
        bar = job.progress("Training", job.plan.steps, self.step) if job.progress else None
        try:
            with self._writer if self._is_chief else contextlib.nullcontext():
                self._train(stop, bar)
        finally:
            if bar:
                bar.close()
        if self._is_due or not self._is_over:
            raise stop.stopped(self.step)
        if self._is_chief:
            self._summaries.end(self.step)
        self._export_best()

    def _train(self, stop: StopRequest, bar: Any) -> None:
        # Of several hosts, the others wait for a step of this one.
        patience_s = _PATIENCE_S if self._job.devices.num_hosts > 1 else 0.0
        read_ahead = Prefetch(self._chunks(), self._place, stop=stop, patience_s=patience_s)
        with read_ahead as chunks, self._trace.during(self.step):
            try:
                self._make_steps(chunks, stop, bar)
            except EvaluationStopped:
                self._is_due = True
            except InputStopped:
                pass
            # Here, since it may take long until nothing is read any more.
            if self._saved_step != self.step > 0:
                self._save()

    def _make_steps(self, chunks: Prefetch, stop: StopRequest, bar: Any) -> None:
        self._begin_or_go_on(chunks, stop)
        while not self._is_over and not self._agreement.is_to_stop(self.step, stop):
            self._evaluations.before_step(self.step + 1)
            with self._trace.call():
                size, placed = next(chunks)
                results = self._engine.train_steps(placed)
            self._usage.count(placed)
            made = range(self.step + 1, self.step + size + 1)
            self.step += size
            self._window.add(made, results, chunks.seconds_waited)
            if self._trace.made(self.step, results):
                self._window.restart_clock(chunks.seconds_waited)
            shown = self._after_steps(chunks.seconds_waited, stop)
            self._writer.check()
            if bar:
                bar.update(size, **shown)

    def _begin_or_go_on(self, chunks: Prefetch, stop: StopRequest) -> None:
        """Does what is due before the next step."""
        if self.step == 0:
            self._record(self._evaluations.run(stop)[0])
        if self._is_due:
            self._is_due = False
            self._after_steps(chunks.seconds_waited, stop)
        if self._engine.jit and not self._is_over and not stop:
            self._job.log("Compiling with XLA ...")

    @property
    def _is_over(self) -> bool:
        return self.step == self._job.plan.steps or self._tracker.should_stop

    @property
    def _is_row_due(self) -> bool:
        return self._evaluations.is_due(self.step) or self.step % self._job.plan.log_every == 0

    def _chunks(self) -> Iterator[list[Batch]]:
        """Yields the batches of the steps that are made in one call."""
        training, batches = self._job.training, self._job.batches(self.step)
        most, alone = training.steps_per_execution, training.histograms
        for size in chunk_sizes(self.step, self._job.plan, most, alone=alone):
            yield list(itertools.islice(batches, size))

    def _place(self, batches: list[Batch]) -> tuple[int, Any]:
        return len(batches), self._engine.place(batches)

    def _check_agreement(self, step: int) -> None:
        """Raises if the hosts would not go on from the same step."""
        found = self._job.devices.exchange(step)
        if len(set(found)) > 1:
            raise InputError(
                f"{self._job.workdir}: the hosts of this run see checkpoints of different steps "
                f"({', '.join(map(str, found))}); give a --workdir that all of them share"
            )

    def _weights(self) -> dict[str, np.ndarray]:
        names = variables.named(self._job.model.trainable_variables)
        found = self._engine.state()["model"]
        return {name: found[name] for name in names}

    def _after_steps(self, seconds_waited: float, stop: StopRequest) -> dict[str, float]:
        """Does what is due after the steps of a call; returns what the progress bar is to show."""
        row, values, is_best = {}, [], False
        if self._is_row_due:
            row = {"train": self._training_row(seconds_waited)}
            if self._evaluations.is_due(self.step):
                scored, valid = self._evaluations.run(stop)
                row = scored | {"train": row["train"] | scored.get("train", {})}
                is_best = self._evaluations.judge(self.step, row)
                values = self._evaluations.shown(valid, is_best)
            self._window.clear()
            self._record(row, values)
        if is_best or self._is_over or self.step % self._job.plan.checkpoint_every == 0:
            self._save(is_exported=is_best)
        if row:
            self._window.restart_clock(seconds_waited)
        return self._evaluations.watched(row)

    def _training_row(self, seconds_waited: float) -> dict[str, float]:
        self._fold()
        row = self._window.means(self._job.training.batch_size, seconds_waited)
        self.last_loss = row.get("loss", self.last_loss)
        row |= self._usage.row(row)
        return row | {"learning_rate": float(self._job.learning_rate(self.step - 1))}

    def _record(self, row: Row, values: Sequence[events.Value] = ()) -> None:
        if row and self._is_chief:
            epoch = self.step / self._job.plan.steps_per_epoch
            self._summaries.add(self.step, epoch, row, values)

    def _fold(self) -> None:
        skipped, failure = self._window.fold()
        if failure:
            self._writer.wait()
            raise not_finite(self._job, failure, checkpoint.steps(self._checkpoints))
        if skipped:
            steps = ", ".join(map(str, skipped))
            self._job.log(f"Left out, since the loss or the gradient was not finite: step {steps}")

    def _save(self, *, is_exported: bool = False) -> None:
        self._fold()
        self._saved_step = self.step
        if is_exported:
            self._exported_step = self.step
        if not self._is_chief:
            return
        exported = self._writer.hidden_model(self.step) if is_exported else None
        if exported:
            with self._writer.explaining(self.step):
                self._export(exported)
        state = {
            "step": self.step,
            "epoch": self.step // self._job.plan.steps_per_epoch,
            "seed": self._job.training.seed,
            "last_loss": self.last_loss,
            "is_due": self._is_due,
            "best": self._tracker.state(),
            "window": self._window.state(),
        }
        held, best = self._summaries.take(), self._tracker.best_step
        self._writer.save(Snapshot(self.step, self._engine.state(), state, held, best, exported))

    def _finish_saving(self, state: dict[str, Any]) -> None:
        """Does what a kill may have kept the writer from, after the checkpoint of `state`."""
        self._summaries.rewind(state["summaries"])
        keep, best = self._job.training.keep_checkpoints, self._tracker.best_step
        checkpoint.prune(self._checkpoints, self.step, keep, {best})
        if best == self.step:
            self._export_now()

    def _export(self, path: pathlib.Path) -> None:
        with naming(path), self._engine.averaged():
            self._job.model.save(path)

    def _export_now(self) -> None:
        """Writes model.keras from the weights of now; it appears by renaming."""
        self._exported_step = self.step
        with replacing(self._model_file) as partial:
            self._export(partial)

    def _export_best(self) -> None:
        """Sees to it that model.keras is the best evaluation's (or, without one, the last)."""
        best = self._tracker.best_step or self.step
        criterion = self._tracker.criterion
        if self._tracker.best_step is None and criterion != LAST:
            self._job.log(
                f"valid {criterion} was never defined: the last weights are kept as the best"
            )
        if self._exported_step == best or not self._is_chief:
            return
        if best != self.step:
            where = checkpoint.folder(self._checkpoints, best)
            self._engine.load_state(checkpoint.load(where)[0], str(where))
        self._export_now()
