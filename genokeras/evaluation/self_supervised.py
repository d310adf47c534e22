"""Scores of a model that learned without labels: how well it does on a split what it was asked to.

What it was asked to is its loss, so the engine that trains computes it, with masks, or views, that
are the same in every evaluation. There are no tasks, and nothing that belongs to them.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from genokeras.evaluation import bootstrap
from genokeras.plots import figure
from genokeras.plots.learning_curves import draw_learning_curves
from genokeras.training import optimizer as optimizers
from genokeras.training import precision, scoring
from genokeras.training.devices import connect
from genokeras.training.run_files import write
from genokeras.training.runtime import Runtime
from genokeras.training.summaries import read_rows
from genokeras.training.train_config import plan
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

# What only the scores of tasks have.
_NOT_THERE = ("baseline", "difference", "members", "probes")


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
    num_bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable | None = None,
) -> dict[str, Any]:
    """Returns loss and metrics of a checkpoint on a whole split, as its training does.

    With 95% intervals `*_ci` over windows where the metrics can be resampled. Those of windows that
    overlap are too narrow: such windows are not independent.

    Args:
        run: The run.
        dataset: Its dataset.
        split: Name of the split.
        step: Of the checkpoint.
        batch_size: Windows at a time.
        num_bootstrap: Resamples behind the intervals; 0 leaves these out.
        seed: Of the resamples.
        progress: Starts a progress bar, given a text and a total.
    """
    module, training = run.model_module, dataclasses.replace(run.training, ema=0.0)
    devices = connect(Runtime(strategy="single"))
    with precision.scope(training.precision), devices.scope():
        model = run.model(step)
        # An engine has one; nothing is learnt here.
        steps = plan(training, dataset.split("train").num_examples)
        optimizer = optimizers.build(training, steps, model)
        jit = devices.use_jit(training.jit, steps.steps, getattr(module, "JIT_ON_CPU", True))
        engine = devices.engine(module, run.config, run.spec, model, optimizer, training, jit)
        part = dataset.split(split)
        found = scoring.evaluate(engine, module, run.spec, part, batch_size)
    scores, running = dict(found.scores), found.running
    if num_bootstrap and hasattr(running, "resampled") and running.num_groups > 1:
        options = {"num_resamples": num_bootstrap, "seed": seed, "progress": progress}
        drawn = bootstrap.resampled_scores(running.resampled, running.num_groups, **options)
        ends = {name: bootstrap.interval(values) for name, values in drawn.items()}
        scores |= {f"{name}_ci": list(x) if x else None for name, x in ends.items()}
    return scores | dict.fromkeys(_NOT_THERE)


def write_self_supervised(folder: pathlib.Path, run: Run, result: dict[str, Any]) -> None:
    """Writes SPLIT.json, and beside it the learning curves where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    if figure.is_available():
        title = f"{run.model_name}, preset {run.preset}"
        path = folder / "learning_curves.png"
        draw_learning_curves(read_rows(run.workdir), path, title=title, best_step=run.best_step)
    write(folder / f"{result['split']}.json", result)
