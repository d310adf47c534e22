"""Scores a trained model on a whole split, beside a baseline, and writes down how it did."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from genokeras.evaluation.baseline import K, KmerModel, fit_baseline, kmer_logits
from genokeras.evaluation.predict import BATCH_SIZE, Predictor
from genokeras.evaluation.scores import Scores, choose_thresholds, difference, score_split
from genokeras.evaluation.split_pictures import draw_split
from genokeras.evaluation.split_predictions import SplitPredictions, predict_split, write_table
from genokeras.plots import figure
from genokeras.plots.learning_curves import draw_learning_curves
from genokeras.training.summaries import read_rows
from genokeras.training.workdir import Run, write
from tfrecords.reader import Dataset

Log = Callable[[str], None]

FOLDER = "evaluation"


def evaluate(
    workdir: str | os.PathLike,
    split: str = "test",
    *,
    reverse_complement: bool | None = None,
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

    Every example counts once, also where the dataset stores both of its strands.

    Writes, into the folder `evaluation` of the run, `SPLIT.json` (the dictionary returned),
    `SPLIT.predictions.tsv` (in the order of the input rows: `row` and, for every task, `_target`,
    empty where it is missing, `_probability` and `_logit`, or `_prediction`), and, where matplotlib
    is installed, `SPLIT.png` and `learning_curves.png`.

    Args:
      workdir: Folder of the run.
      split: `train`, `valid` or `test`.
      reverse_complement: Whether logits are averaged over both strands; default: yes, unless the
        dataset was built with `none`.
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
    # Settled once: a run that still trains may make a better one meanwhile.
    step = run.step_of(checkpoint)
    predictor = Predictor.load(run, step, **options)
    stored = {"stores_both_strands": dataset.manifest.reverse_complement == "store"}
    found = {
        name: predict_split(predictor, dataset.split(name), progress, **stored) for name in splits
    }
    scoring = {"num_bootstrap": num_bootstrap, "seed": seed, "progress": progress}
    model = _fit_baseline(dataset, log) if baseline else None
    baseline_logits = model and {
        name: kmer_logits(model, dataset.split(name))[found[name].places] for name in splits
    }
    result = {
        "dataset": dataset.manifest.name,
        "manifest_sha256": run.manifest_sha256,
        "split": split,
        "model": run.model_name,
        "preset": run.preset,
        "checkpoint": checkpoint,
        "step": step,
        "reverse_complement": predictor.reverse_complement,
        "num_bootstrap": num_bootstrap,
        "seed": seed,
        **_scores(found, baseline_logits, split, scoring),
    }
    _write(run, result, found[split], baseline_logits and baseline_logits[split], log)
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


def _scores(
    found: Mapping[str, SplitPredictions],
    baseline_logits: Mapping[str, np.ndarray] | None,
    split: str,
    scoring: Mapping[str, Any],
) -> dict[str, Any]:
    """Scores the model and the baseline on one split, each at its own thresholds."""

    def score(logits: Mapping[str, np.ndarray]) -> Scores:
        thresholds = None
        if labels.task_type == "binary" and "valid" in found:
            thresholds = choose_thresholds(found["valid"].labels, logits["valid"])
        return score_split(labels, logits[split], thresholds=thresholds, **scoring)

    labels = found[split].labels
    scores = score({name: predictions.logits for name, predictions in found.items()})
    if baseline_logits is None:
        return {**scores.values, "baseline": None, "difference": None}
    other = score(baseline_logits)
    return {**scores.values, "baseline": other.values, "difference": difference(scores, other)}


def _write(
    run: Run,
    result: Mapping[str, Any],
    predictions: SplitPredictions,
    baseline_logits: np.ndarray | None,
    log: Log,
) -> None:
    folder, split = run.workdir / FOLDER, result["split"]
    folder.mkdir(exist_ok=True)
    write_table(predictions, run.spec, folder / f"{split}.predictions.tsv")
    if figure.is_available():
        logits = predictions.logits, baseline_logits
        draw_split(result, predictions.labels, *logits, folder / f"{split}.png")
        title = f"{run.model_name}, preset {run.preset}"
        curves = folder / "learning_curves.png"
        draw_learning_curves(read_rows(run.workdir), curves, title=title, best_step=run.best_step)
    else:
        log("No pictures: they need matplotlib; pip install 'genokeras[plot]'.")
    # Last, since it says that the evaluation is complete.
    write(folder / f"{split}.json", result)


def _fit_baseline(dataset: Dataset, log: Log) -> KmerModel | None:
    length = dataset.manifest.schema["sequence"].bases
    if "train" not in dataset.manifest.splits:
        log("No baseline: the dataset has no train split to fit it on.")
        return None
    if length < K:
        log(f"No baseline: windows of {length} bp hold no {K}-mer.")
        return None
    return fit_baseline(dataset)
