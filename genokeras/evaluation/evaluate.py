"""Scores a trained model on a whole split, beside a baseline, and writes down how it did."""

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from genokeras.evaluation.baseline import K, KmerModel, baseline_logits, fit_baseline
from genokeras.evaluation.predict import BATCH_SIZE, Predictor
from genokeras.evaluation.scores import Labels, Scores, choose_thresholds, difference, score_split
from genokeras.evaluation.split_pictures import draw_split
from genokeras.evaluation.split_predictions import predict_split, write_table
from genokeras.plots import figure
from genokeras.plots.learning_curves import draw_learning_curves
from genokeras.training.checkpoint import steps
from genokeras.training.summaries import read_rows
from genokeras.training.workdir import CHECKPOINTS, Run, write
from tfrecords.reader import Dataset

Log = Callable[[str], None]

FOLDER = "evaluation"


def evaluate(
    workdir: str | os.PathLike,
    split: str = "test",
    *,
    reverse_complement: bool = True,
    num_bootstrap: int = 1000,
    baseline: bool = True,
    seed: int = 0,
    checkpoint: str | int = "best",
    batch_size: int = BATCH_SIZE,
    data_dir: str | os.PathLike | None = None,
    progress: Callable | None = None,
    log: Log | None = None,
) -> dict[str, Any]:
    """Scores a run's model on a split of its dataset.

    Writes, into the folder `evaluation` of the run, `SPLIT.json` (the dictionary returned),
    `SPLIT.predictions.tsv` (in the order of the input rows: `row` and, for every task, `_target`,
    empty where it is missing, `_probability` and `_logit`, or `_prediction`), and, where matplotlib
    is installed, `SPLIT.png` and `learning_curves.png`.

    Args:
      workdir: Folder of the run.
      split: `train`, `valid` or `test`.
      reverse_complement: Whether logits are averaged over both strands.
      num_bootstrap: Resamples behind the 95% intervals; 0 leaves these out.
      baseline: Whether to fit and score the 6-mer baseline as well.
      seed: Of the resamples.
      checkpoint: `best`, `last` or a step.
      batch_size: Sequences that the model computes at a time; scores do not depend on it.
      data_dir: Where the dataset is now, if it has moved since training.
      progress: Starts a progress bar, given a text and a total.
      log: Takes one-line messages.

    Returns:
      Every metric with its interval `*_ci`, and `n`, `num_undefined`, `tasks` as `score_split`
      returns them; thresholds come from the valid split. `baseline` holds the same for the baseline
      (None if there is none), and `difference` the model's metrics minus the baseline's. Besides:
      `dataset`, `manifest_sha256`, `split`, `model`, `preset`, `checkpoint`, `step`,
      `reverse_complement`, `num_bootstrap`, `seed`.

    Raises:
      InputError: There is no such run, checkpoint, dataset or split, or predictions are not finite.
    """
    log = log or (lambda line: None)
    run = Run.open(workdir, data_dir)
    dataset = run.dataset()
    splits = _splits_to_predict(dataset, split, log)
    options = {"reverse_complement": reverse_complement, "batch_size": batch_size}
    predictor = Predictor.load(run, checkpoint, **options)
    found = {name: predict_split(predictor, dataset.split(name), progress) for name in splits}
    labels = {name: predictions.labels for name, predictions in found.items()}
    scoring = {"num_bootstrap": num_bootstrap, "seed": seed, "progress": progress}
    logits = {name: predictions.logits for name, predictions in found.items()}
    scores = _score(labels, logits, split, **scoring)
    other = other_logits = None
    if baseline and (model := _fit_baseline(dataset, log)):
        other_logits = {name: baseline_logits(model, dataset.split(name)) for name in splits}
        other = _score(labels, other_logits, split, **scoring)
    result = {
        "dataset": dataset.manifest.name,
        "manifest_sha256": run.manifest_sha256,
        "split": split,
        "model": run.model_name,
        "preset": run.preset,
        "checkpoint": checkpoint,
        "step": _step(run, checkpoint),
        "reverse_complement": reverse_complement,
        "num_bootstrap": num_bootstrap,
        "seed": seed,
        **scores.values,
        "baseline": other and other.values,
        "difference": other and difference(scores, other),
    }
    folder = run.workdir / FOLDER
    folder.mkdir(exist_ok=True)
    write_table(found[split], run.spec, folder / f"{split}.predictions.tsv")
    if figure.is_available():
        both = logits[split], other_logits and other_logits[split]
        draw_split(result, labels[split], *both, folder / f"{split}.png")
        _draw_learning_curves(run, folder)
    else:
        log("No pictures: they need matplotlib; pip install 'genokeras[plot]'.")
    # Last, since it says that the evaluation is complete.
    write(folder / f"{split}.json", result)
    return result


def _splits_to_predict(dataset: Dataset, split: str, log: Log) -> tuple[str, ...]:
    """Returns the split asked for, and the valid split if a threshold is to be chosen on it."""
    dataset.split(split)
    if dataset.manifest.task_type != "binary":
        return (split,)
    if "valid" not in dataset.manifest.splits:
        log("No threshold: the dataset has no valid split to choose it on.")
        return (split,)
    if split == "valid":
        log("The threshold is chosen on the valid split itself: scores at it flatter the model.")
    return tuple(dict.fromkeys((split, "valid")))


def _score(
    labels: Mapping[str, Labels], logits: Mapping[str, np.ndarray], split: str, **scoring: Any
) -> Scores:
    """Scores one split; thresholds are taken from the valid split, if that is there."""
    thresholds = None
    if "valid" in labels and labels[split].task_type == "binary":
        thresholds = choose_thresholds(labels["valid"], logits["valid"])
    return score_split(labels[split], logits[split], thresholds=thresholds, **scoring)


def _fit_baseline(dataset: Dataset, log: Log) -> KmerModel | None:
    length = dataset.manifest.schema["sequence"].bases
    if "train" not in dataset.manifest.splits:
        log("No baseline: the dataset has no train split to fit it on.")
        return None
    if length < K:
        log(f"No baseline: windows of {length} bp hold no {K}-mer.")
        return None
    return fit_baseline(dataset)


def _draw_learning_curves(run: Run, folder: pathlib.Path) -> None:
    draw_learning_curves(
        read_rows(run.workdir),
        folder / "learning_curves.png",
        title=f"{run.model_name}, preset {run.preset}",
        best_step=run.best_step,
    )


def _step(run: Run, checkpoint: str | int) -> int:
    named = {"best": lambda: run.best_step, "last": lambda: steps(run.workdir / CHECKPOINTS)[-1]}
    return named[checkpoint]() if checkpoint in named else checkpoint
