"""The loop that every engine shares: steps, evaluations, checkpoints, curves, early stopping.

Everything that decides what happens at a step is a function of the step, or is in the checkpoint.
So a run that is killed and started again does what it would have done.
"""

import dataclasses
import itertools
import pathlib
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from genokeras.models.spec import Spec
from genokeras.training import checkpoint, events, loaders, variables
from genokeras.training.best_evaluation import BestEvaluation
from genokeras.training.chunks import chunk_sizes
from genokeras.training.devices import Batch, Devices, Engine
from genokeras.training.histograms import Histograms
from genokeras.training.prefetch import Prefetch
from genokeras.training.scoring import Evaluation, evaluate, metrics
from genokeras.training.summaries import Summaries
from genokeras.training.train_config import LAST, Plan, TrainConfig
from genokeras.training.valid_picture import ValidPicture
from genokeras.training.window import Window
from genokeras.training.workdir import CHECKPOINTS, MODEL_FILE
from tfrecords.errors import InputError
from tfrecords.files import replacing
from tfrecords.reader import Split

_TRAIN_SAMPLE = 2000  # Training examples that are scored beside the valid split.
_NOTHING_WRITTEN = {"rows": [], "events": [], "sizes": {}}


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be trained, on what, where. `valid` is None if there is nothing to evaluate on.

    `dataset` is the name of the data, `loader` one of `runtime.LOADERS`. `learning_rate` maps a
    step to its rate; `progress(description, total, completed)` starts a progress bar; `log` takes
    one-line messages. Only the first of several hosts writes anything.
    """

    module: types.ModuleType
    model: keras.Model
    spec: Spec
    dataset: str
    training: TrainConfig
    plan: Plan
    learning_rate: Callable[[int], Any]
    train: Split
    valid: Split | None
    workdir: pathlib.Path
    devices: Devices
    loader: str
    progress: Callable[..., Any] | None
    log: Callable[[str], None]


class Trainer:
    """Trains one job with one engine; `tracker` decides which evaluation is the best."""

    def __init__(self, job: Job, engine: Engine, tracker: BestEvaluation):
        self._job, self._engine, self._tracker = job, engine, tracker
        self._summaries = Summaries(job.workdir)
        self._is_chief = job.devices.host == 0
        self._histograms = Histograms(self._weights) if job.training.histograms else None
        self._picture = ValidPicture(job.spec, job.dataset)
        self._window = Window()
        self._checkpoints = job.workdir / CHECKPOINTS
        self._exported_step: int | None = None
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
        self._tracker.load_state(state["best"])
        self._window.load_state(state["window"])
        if self._is_chief:
            self._summaries.rewind(state["summaries"])
        return True

    def begin(self, values: Sequence[events.Value]) -> None:
        """Starts a new run, of which TensorBoard is to show `values`."""
        self._summaries.begin(values)

    def fit(self) -> None:
        """Trains to the last step, or until no evaluation is better any more; exports the best."""
        job = self._job
        if self.step == 0:
            self._record(self._evaluate()[0])
        if self._engine.jit and not self._is_over:
            job.log("Compiling with XLA ...")
        bar = job.progress("Training", job.plan.steps, self.step) if job.progress else None
        try:
            with Prefetch(self._chunks(), self._place) as chunks:
                while not self._is_over:
                    if self._histograms and self._is_evaluated(self.step + 1):
                        self._histograms.before_step()
                    size, placed = next(chunks)
                    results = self._engine.train_steps(placed)
                    made = range(self.step + 1, self.step + size + 1)
                    self.step += size
                    self._window.add(made, results, chunks.seconds_waited)
                    shown = self._after_steps(chunks.seconds_waited)
                    if bar:
                        bar.update(size, **shown)
            if self._is_chief:
                self._summaries.end(self.step)
        finally:
            if bar:
                bar.close()
            self._summaries.close()
        self._export_best()

    @property
    def _is_over(self) -> bool:
        return self.step == self._job.plan.steps or self._tracker.should_stop

    def _chunks(self) -> Iterator[list[Batch]]:
        """Yields the batches of the steps that are made in one call."""
        job, batches = self._job, self._batches()
        most = job.training.steps_per_execution
        for size in chunk_sizes(self.step, job.plan, most, alone=self._histograms is not None):
            yield list(itertools.islice(batches, size))

    def _batches(self) -> Iterator[Batch]:
        training, devices = self._job.training, self._job.devices
        options = {"batch_size": training.batch_size, "seed": training.seed}
        options |= {"host": devices.host, "num_hosts": devices.num_hosts}
        if training.overfit_one_batch:
            return itertools.repeat(self._job.train.train_batch(0, 0, **options))
        return loaders.batches(self._job.train, self.step, self._job.loader, **options)

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

    def _after_steps(self, seconds_waited: float) -> dict[str, float]:
        """Does what is due after the steps of a call; returns what the progress bar is to show."""
        plan, row, values, is_best = self._job.plan, {}, [], False
        is_evaluation = self._is_evaluated(self.step)
        if is_evaluation or self.step % plan.log_every == 0:
            row = {"train": self._training_row(seconds_waited)}
            if is_evaluation:
                scored, valid = self._evaluate()
                row = scored | {"train": row["train"] | scored.get("train", {})}
                is_best = self._judge(row)
                values = self._shown(valid, is_best)
            self._record(row, values)
        if is_best or self._is_over or self.step % plan.checkpoint_every == 0:
            self._save()
            if is_best:
                self._export()
        if row:
            self._window.restart_clock(seconds_waited)
        return self._watched(row)

    def _training_row(self, seconds_waited: float) -> dict[str, float]:
        self._fold()
        row = self._window.means(self._job.training.batch_size, seconds_waited)
        self.last_loss = row["loss"]
        return row | {"learning_rate": float(self._job.learning_rate(self.step - 1))}

    def _is_evaluated(self, step: int) -> bool:
        return step == self._job.plan.steps or step % self._job.plan.eval_every == 0

    def _evaluate(self) -> tuple[dict[str, dict[str, Any]], Evaluation | None]:
        """Scores the valid split, and for comparison a sample of the training split, likewise."""
        job = self._job
        if job.valid is None:
            return {}, None
        batch_size = job.training.batch_size
        sample = min(_TRAIN_SAMPLE, job.valid.num_examples)
        with self._engine.averaged():
            valid = evaluate(self._engine, job.module, job.spec, job.valid, batch_size)
            train = evaluate(self._engine, job.module, job.spec, job.train, batch_size, sample)
        train_scores = {k: v for k, v in metrics(train.scores).items() if k != "loss"}
        return {"valid": valid.scores, "train": train_scores}, valid

    def _shown(self, valid: Evaluation | None, is_best: bool) -> list[events.Value]:
        """Returns what TensorBoard shows of an evaluation beside its row."""
        values = self._histograms.values() if self._histograms else []
        if is_best:
            # The HPARAMS table takes the last value of a curve: here, of the weights kept.
            best = metrics(valid.scores).items()
            values += [events.scalar(f"best/{name}", x) for name, x in best if x is not None]
            values += self._picture.values(valid)
        return values

    def _judge(self, row: dict[str, dict[str, Any]]) -> bool:
        """Says how an evaluation went; returns whether it is the best so far."""
        is_best = "valid" in row and self._tracker.update(
            self.step, row["valid"].get(self._tracker.criterion)
        )
        line = f"step {self.step}  epoch {self.step / self._job.plan.steps_per_epoch:.2f}"
        line += "".join(f"  {name} {value:.4f}" for name, value in self._watched(row).items())
        self._job.log(
            line + ("  (best so far)" if is_best and self._tracker.criterion != LAST else "")
        )
        return is_best

    def _watched(self, row: dict[str, dict[str, Any]]) -> dict[str, float]:
        """Returns the few numbers of a row that are shown while training."""
        valid, name = row.get("valid", {}), self._tracker.shown
        shown = {"loss": row.get("train", {}).get("loss"), "valid loss": valid.get("loss")}
        shown |= {f"valid {name}": valid.get(name)}
        return {key: value for key, value in shown.items() if value is not None}

    def _record(self, row: dict[str, dict[str, Any]], values: Sequence[events.Value] = ()) -> None:
        if row and self._is_chief:
            epoch = self.step / self._job.plan.steps_per_epoch
            self._summaries.add(self.step, epoch, row, values)

    def _fold(self) -> None:
        problem = self._window.fold()
        if problem is None:
            return
        training = self._job.training
        saved = checkpoint.steps(self._checkpoints)
        raise InputError(
            f"the {problem} is no longer finite; try a lower learning_rate (it is "
            f"{training.learning_rate:g}), clipnorm=1 (it is {training.clipnorm:g}) or "
            f"precision=float32 (it is {training.precision}); "
            + (f"the checkpoint of step {saved[-1]} is sound" if saved else "no step was saved")
        )

    def _save(self) -> None:
        self._fold()
        if not self._is_chief:
            return
        state = {
            "step": self.step,
            "epoch": self.step // self._job.plan.steps_per_epoch,
            "seed": self._job.training.seed,
            "last_loss": self.last_loss,
            "best": self._tracker.state(),
            "window": self._window.state(),
            "summaries": self._summaries.state(),
        }
        checkpoint.save(self._checkpoints, self.step, self._engine.state(), state)
        self._summaries.commit()
        keep = self._job.training.keep_checkpoints
        checkpoint.prune(self._checkpoints, self.step, keep, {self._tracker.best_step})

    def _export(self) -> None:
        """Writes model.keras from the weights of now; it appears by renaming."""
        self._exported_step = self.step
        if not self._is_chief:
            return
        with replacing(self._job.workdir / MODEL_FILE) as partial, self._engine.averaged():
            self._job.model.save(partial)

    def _export_best(self) -> None:
        """Sees to it that model.keras is the best evaluation's (or, without one, the last)."""
        best = self._tracker.best_step or self.step
        criterion = self._tracker.criterion
        if self._tracker.best_step is None and criterion != LAST:
            self._job.log(
                f"valid {criterion} was never defined: the last weights are kept as the best"
            )
        if self._exported_step == best:
            return
        if best != self.step and self._is_chief:
            where = checkpoint.folder(self._checkpoints, best)
            self._engine.load_state(checkpoint.load(where)[0], str(where))
        self._export()
