"""Which evaluation was the best, and when to stop because none is better."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from genokeras.training.train_config import LAST, TrainConfig
from tfrecords.errors import InputError, suggest

# Of these the smallest value is the best; of every other metric the largest.
SMALLER_IS_BETTER = ("loss", "mse", "mae")
_DEFAULT_METRIC = {
    "binary": "auroc",
    "regression": "pearson_r",
    "coverage": "pearson_r",
    "unlabelled": "loss",
}


@dataclasses.dataclass
class BestEvaluation:
    """Follows one metric of the valid split. `patience=None`: never asks to stop.

    A value that is undefined (None: one class only, constant predictions) is never the best. With
    `takes_last` the newest evaluation counts as the best, whatever it scores.
    """

    metric: str
    patience: int | None = None
    takes_last: bool = False
    best_score: float | None = None
    best_step: int | None = None
    evaluations_since_best: int = 0

    def update(self, step: int, score: float | None) -> bool:
        """Takes the score of an evaluation; returns whether it is the best so far."""
        if not self.takes_last and not self._is_better(score):
            self.evaluations_since_best += 1
            return False
        self.best_score, self.best_step = score, step
        self.evaluations_since_best = 0
        return True

    @property
    def criterion(self) -> str:
        """What the best evaluation is chosen by: the metric, or `last`."""
        return LAST if self.takes_last else self.metric

    @property
    def should_stop(self) -> bool:
        """Whether the last `patience` evaluations all failed to improve on the best."""
        return self.patience is not None and self.evaluations_since_best >= self.patience

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps."""
        return {
            "best_score": self.best_score,
            "best_step": self.best_step,
            "evaluations_since_best": self.evaluations_since_best,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes back to what `state()` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    def _is_better(self, score: float | None) -> bool:
        if score is None or self.best_score is None:
            return score is not None
        if self.metric in SMALLER_IS_BETTER:
            return score < self.best_score
        return score > self.best_score


def best_evaluation(
    training: TrainConfig, task_type: str, metrics: Sequence[str]
) -> BestEvaluation:
    """Returns the tracker of a run whose evaluations give `metrics`: none, if it makes none."""
    if not metrics:
        return BestEvaluation("loss", takes_last=True)
    metric, default = training.best_metric, _DEFAULT_METRIC[task_type]
    if metric in ("", LAST):
        watched = default if default in metrics else "loss"
        return BestEvaluation(watched, training.patience, takes_last=metric == LAST)
    if metric not in metrics:
        known = [*metrics, LAST]
        raise InputError(
            f"best_metric={metric}: evaluations have no such metric.{suggest(metric, known)} "
            f"Metrics: {', '.join(metrics)}; or {LAST}"
        )
    return BestEvaluation(metric, training.patience)
