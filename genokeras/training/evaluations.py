"""Evaluations of a run: what they score, whether one is the best so far, what is shown of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from genokeras.training import events
from genokeras.training.best_evaluation import BestEvaluation
from genokeras.training.devices import Engine
from genokeras.training.histograms import Histograms
from genokeras.training.job import Job
from genokeras.training.scoring import Evaluation, evaluate, metrics
from genokeras.training.stopping import StopRequest
from genokeras.training.train_config import LAST
from genokeras.training.valid_picture import ValidPicture

_TRAIN_SAMPLE = 2000  # Training examples that are scored beside the valid split.

Row = dict[str, dict[str, Any]]


class Evaluations:
    """Scores a model as it is trained; `tracker` decides which evaluation is the best.

    `weights` returns those of now, for the histograms.
    """

    def __init__(
        self,
        job: Job,
        engine: Engine,
        tracker: BestEvaluation,
        weights: Callable[[], dict[str, np.ndarray]],
    ):
        self._job, self._engine, self._tracker = job, engine, tracker
        self._histograms = Histograms(weights) if job.training.histograms else None
        self._picture = ValidPicture(job.spec, job.manifest.name)

    def is_due(self, step: int) -> bool:
        """Whether there is one after `step`."""
        return step == self._job.plan.steps or step % self._job.plan.eval_every == 0

    def before_step(self, step: int) -> None:
        """Notes what the evaluation after `step` needs to know of the time before it."""
        if self._histograms and self.is_due(step):
            self._histograms.before_step()

    def run(self, stop: StopRequest) -> tuple[Row, Evaluation | None]:
        """Scores the valid split, and for comparison a sample of the training split, likewise.

        Raises:
            EvaluationStopped: It was asked to stop before it was through.
        """
        job = self._job
        if job.valid is None:
            return {}, None
        if job.devices.num_hosts > 1 or self._histograms:
            # Hosts evaluate together; updates can only be told right after they were made.
            stop = StopRequest()
        batch_size = job.training.batch_size
        sample = min(_TRAIN_SAMPLE, job.valid.num_examples)
        split = (self._engine, job.module, job.spec)
        with self._engine.averaged():
            valid = evaluate(*split, job.valid, batch_size, stop=stop, **job.hosts)
            train = evaluate(*split, job.train, batch_size, sample, stop=stop, **job.hosts)
        train_scores = {k: v for k, v in metrics(train.scores).items() if k != "loss"}
        return {"valid": valid.scores, "train": train_scores}, valid

    def judge(self, step: int, row: Row) -> bool:
        """Says how an evaluation went; returns whether it is the best so far."""
        is_best = "valid" in row and self._tracker.update(
            step, row["valid"].get(self._tracker.criterion)
        )
        line = f"step {step}  epoch {step / self._job.plan.steps_per_epoch:.2f}"
        line += "".join(f"  {name} {value:.4f}" for name, value in self.watched(row).items())
        self._job.log(
            line + ("  (best so far)" if is_best and self._tracker.criterion != LAST else "")
        )
        return is_best

    def shown(self, valid: Evaluation | None, is_best: bool) -> list[events.Value]:
        """Returns what TensorBoard shows of an evaluation beside its row."""
        values = self._histograms.values() if self._histograms else []
        if is_best and self._job.devices.host == 0:
            # The HPARAMS table takes the last value of a curve: here, of the weights kept.
            best = metrics(valid.scores).items()
            values += [events.scalar(f"best/{name}", x) for name, x in best if x is not None]
            values += self._picture.values(valid)
        return values

    def watched(self, row: Row) -> dict[str, float]:
        """Returns the few numbers of a row that are shown while training."""
        valid, name = row.get("valid", {}), self._tracker.shown
        shown = {"loss": row.get("train", {}).get("loss"), "valid loss": valid.get("loss")}
        shown |= {f"valid {name}": valid.get(name)}
        return {key: value for key, value in shown.items() if value is not None}
