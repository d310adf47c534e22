"""Scores of a model that learned without labels: how well it does on a split what it was asked to.

What it was asked to is its loss, so the engine that trains computes it, with masks, or views, that
are the same in every evaluation. There are no tasks, and nothing that belongs to them.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import bootstrap
from genokeras.evaluation.context_baseline import asked_bases, fit_context_model, scores_of
from genokeras.metrics.masked_bases import MaskedBaseScores
from genokeras.plots import figure
from genokeras.plots.learning_curves import draw_learning_curves
from genokeras.training import optimizer as optimizers
from genokeras.training import precision, scoring
from genokeras.training.devices import here, rounded_up
from genokeras.training.learner import Learner
from genokeras.training.run_files import write
from genokeras.training.summaries import read_rows
from genokeras.training.train_config import plan
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

# What only the scores of tasks have.
_NOT_THERE = ("members", "probes")
# Of a difference to the baseline.
_COMPARED = ("cross_entropy", "accuracy")


def is_self_supervised(run: Run) -> bool:
    """Whether the model of a run learns from DNA alone, whatever its dataset holds besides."""
    return "unlabelled" in run.model_module.TASK_TYPES


def check(runs: Sequence[Run], probe: Sequence[str]) -> None:
    """Raises `InputError` at what is for models that predict tasks."""
    if len(runs) > 1:
        raise InputError(
            f"{len(runs)} runs of models without tasks have no mean prediction; give one --workdir"
        )
    if probe:
        raise InputError("--probe asks about the prediction of a task, and this model has none")


def score_self_supervised(
    run: Run,
    dataset: Dataset,
    split: str,
    step: int,
    *,
    batch_size: int,
    baseline: bool = True,
    num_bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable | None = None,
    strategy: str = "auto",
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns loss and metrics of a checkpoint on a whole split, as its training does.

    With 95% intervals `*_ci` over windows where the metrics can be resampled. Those of windows that
    overlap are too narrow: such windows are not independent. Beside a masked language model, as its
    `baseline`, a model of the bases right beside the hidden ones, and the `difference` to it.

    Besides, returns what every resample scored, `[R]` by metric.

    Args:
        run: The run.
        dataset: Its dataset.
        split: Name of the split.
        step: Of the checkpoint.
        batch_size: Windows at a time; as many more as the devices need to share them.
        baseline: Whether to score a baseline as well, where there is one.
        num_bootstrap: Resamples behind the intervals; 0 leaves these out.
        seed: Of the resamples.
        progress: Starts a progress bar, given a text and a total.
        strategy: Which devices of this machine: `auto`, `single` or `mirrored`.
    """
    module, training = run.model_module, dataclasses.replace(run.training, ema=0.0)
    devices = here(strategy)
    with precision.scope(training.precision), devices.scope():
        model = run.model(step)
        # An engine has one; nothing is learnt here.
        steps = plan(training, dataset.split("train").num_examples)
        optimizer = optimizers.build(training, steps, model)
        jit = devices.use_jit(training.jit, steps.steps, getattr(module, "JIT_ON_CPU", True))
        engine = devices.engine(
            Learner(module, run.config, run.spec, model, optimizer, training), jit
        )
        part = dataset.split(split)
        found = scoring.evaluate(engine, module, run.spec, part, rounded_up(batch_size, devices))
    options = {"num_resamples": num_bootstrap, "seed": seed, "progress": progress}
    scores, drawn = _with_intervals(found.scores, found.running, options)
    compared = {"baseline": None, "difference": None}
    if baseline and isinstance(found.running, MaskedBaseScores):
        contexts = fit_context_model(run, dataset)
        running = scores_of(contexts, asked_bases(run, part, batch_size))
        beside, others = _with_intervals(running.result(), running, options)
        about = {"context_bp": contexts.context_bp, "prior": contexts.prior}
        differences = {name: drawn[name] - others[name] for name in _COMPARED if name in drawn}
        difference: dict[str, Any] = {name: scores[name] - beside[name] for name in _COMPARED}
        difference |= {
            f"{name}_ci": bootstrap.interval(values) for name, values in differences.items()
        }
        compared = {"baseline": beside | about, "difference": difference}
    return scores | compared | dict.fromkeys(_NOT_THERE), drawn


def _with_intervals(
    scores: Mapping[str, Any], running: Any, options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns scores with their intervals, and the scores of all resamples, if there are any."""
    if not (options["num_resamples"] and hasattr(running, "resampled") and running.num_groups > 1):
        return dict(scores), {}
    drawn = bootstrap.resampled_scores(running.resampled, running.num_groups, **options)
    return {
        **scores,
        **{f"{name}_ci": bootstrap.interval(values) for name, values in drawn.items()},
    }, drawn


def write_self_supervised(
    folder: pathlib.Path, run: Run, result: dict[str, Any], with_picture: bool
) -> None:
    """Writes SPLIT.json, and, if that is wanted and can be, a picture of learning curves."""
    folder.mkdir(parents=True, exist_ok=True)
    if with_picture and figure.is_available():
        title = f"{run.model_name}, preset {run.preset}"
        path = folder / "learning_curves.png"
        draw_learning_curves(read_rows(run.workdir), path, title=title, best_step=run.best_step)
    write(folder / f"{result['split']}.json", result)
