"""Scores of predicted coverage on a whole split, part by part: memory does not grow with it."""

from collections.abc import Callable, Sequence
from typing import Any

from genokeras.evaluation.predictor import BATCH_SIZE, Predictor
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

# Of all windows that the model computes at a time: long ones have larger results in between.
_MAX_BASES = 1 << 21


def score_coverage(
    runs: Sequence[Run],
    dataset: Dataset,
    split: str,
    step: int,
    progress: Callable | None = None,
    *,
    batch_size: int = BATCH_SIZE,
    reverse_complement: bool | None = None,
) -> dict[str, Any]:
    """Returns the metrics of a run's model on a split, as its `running_scores` returns them.

    Beside them `reverse_complement`, and None for what only other tasks have: `baseline`,
    `difference`, `verdict`, `members`.

    Raises:
      InputError: There are several runs.
    """
    if len(runs) > 1:
        raise InputError(
            f"{len(runs)} runs that predict coverage: means over them are not made yet; give one"
        )
    run, windows = runs[0], SplitWindows(dataset, split)
    size = min(batch_size, max(1, _MAX_BASES // run.spec.length))
    options = {"batch_size": size, "reverse_complement": reverse_complement}
    predictor = Predictor.load(run, step, **options)
    scores = run.model_module.running_scores(run.spec)
    bar = progress(f"Predicting {split}", len(windows)) if progress else None
    try:
        for part in windows.parts(size):
            coverage = predictor.logits(part["sequence"])
            scores.add({"coverage": coverage}, part["targets"], part["weight"])
            if bar:
                bar.update(len(coverage))
    finally:
        if bar:
            bar.close()
    missing = dict.fromkeys(("baseline", "difference", "verdict", "members"))
    return scores.result() | {"reverse_complement": predictor.reverse_complement} | missing
