"""Which evaluation was the best, and when to stop because none is better."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from genokeras.training.train_config import LAST, TrainConfig
from tfrecords.errors import InputError, suggest

# Of these the smallest value is the best; of every other metric the largest.
SMALLER_IS_BETTER = ("loss", "mse", "mae", "cross_entropy", "expected_loss", "perplexity")
# What people look at, by the type of the tasks; it ranks, while the loss judges every prediction.
_SHOWN = {
    "binary": "auroc",
    "regression": "pearson_r",
    "coverage": "pearson_r",
    "unlabelled": "accuracy",
}


@dataclasses.dataclass
class BestEvaluation:
    """Follows one metric of the valid split. `patience=None`: never asks to stop.

    A value that is undefined (None: one class only, constant predictions) is never the best.

    Attributes:
        criterion: What the best is chosen by: a metric, or `last`: the newest is the best, whatever
            it scores.
        patience: After so many evaluations in a row that are not the best the run should stop.
        shown: The metric to show while training, beside the loss.
    """

    criterion: str
    patience: int | None = None
    shown: str = "loss"
    best_score: float | None = None
    best_step: int | None = None
    evaluations_since_best: int = 0

    def update(self, step: int, score: float | None) -> bool:
        """Takes the score of an evaluation; returns whether it is the best so far."""
        if self.criterion != LAST and not self._is_better(score):
            self.evaluations_since_best += 1
            return False
        self.best_score, self.best_step = score, step
        self.evaluations_since_best = 0
        return True

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
        if self.criterion in SMALLER_IS_BETTER:
            return score < self.best_score
        return score > self.best_score


def best_evaluation(
    training: TrainConfig, task_type: str, metrics: Sequence[str]
) -> BestEvaluation:
    """Returns the tracker of a run whose evaluations give `metrics`: none, if it makes none."""
    if not metrics:
        return BestEvaluation(LAST)
    metric, known = training.best_metric, [*metrics, LAST]
    if metric not in known:
        raise InputError(
            f"best_metric={metric}: evaluations have no such metric.{suggest(metric, known)} "
            f"Metrics: {', '.join(metrics)}; or {LAST}"
        )
    shown = _SHOWN.get(task_type) if metric in ("loss", LAST) else metric
    return BestEvaluation(metric, training.patience, shown if shown in metrics else "loss")
