"""What a run says of itself before its first step: in the log, and in TensorBoard.

The tab HPARAMS tells runs apart by their settings, the tab TEXT shows the command, the
configuration and the dataset.
"""

import dataclasses
import math
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from genokeras.training import events
from genokeras.training.train_config import Plan
from tfrecords.manifest import Manifest

if TYPE_CHECKING:
    from genokeras.training.best_evaluation import BestEvaluation
    from genokeras.training.job import Job
    from genokeras.training.workdir import Run

_MOST_NAMES = 5
_HASH_LETTERS = 12  # Of a sha256: enough to tell datasets apart at a glance.


def announcement(run: "Run", job: "Job", tracker: "BestEvaluation", devices: str) -> list[str]:
    """Returns the lines of the log: devices, model and data, steps and evaluations."""
    steps, spec = job.plan, run.spec
    evaluation = f"{tracker.shown} on {job.valid.num_examples:,} examples" if job.valid else "none"
    lines = [
        f"Devices: {devices}",
        f"Training {run.model_name}, preset {run.preset}, {num_parameters(job.model):,} trainable "
        f"parameters, on {job.train.num_examples:,} examples of {spec.length} bp, "
        f"{spec.task_type}: {_shortened(spec.tasks)}",
        f"{steps.steps:,} steps of {run.training.batch_size} examples "
        f"({steps.steps / steps.steps_per_epoch:.3g} epochs); "
        f"evaluation every {steps.eval_every} steps: {evaluation}",
    ]
    if job.train.is_streamed:
        lines.append(
            f"{run.data_dir} is larger than the room in the cache, so training reads it over the "
            "network as it goes"
            + (
                ", every example by itself: --shuffle_block=256 makes that up to 256 times fewer "
                "requests; or give more room (--cache_dir, --cache_limit)"
                if run.training.shuffle_block == 1
                else f", in runs of {run.training.shuffle_block} examples"
            )
        )
    return lines


def opening(
    run: "Run", plan: Plan, manifest: Manifest, model: keras.Model, flags: str
) -> list[events.Value]:
    """Returns what TensorBoard is to show of a run as a whole; `flags` are those that repeat it."""
    settings = _settings(run, plan, manifest, model)
    command = " \\\n    ".join(["python -m launch.train", *map(shlex.quote, flags.splitlines())])
    config = {"model": run.model_name, "preset": run.preset} | dataclasses.asdict(run.config)
    config["trainable parameters"] = f"{num_parameters(model):,}"
    training = dataclasses.asdict(run.training) | dataclasses.asdict(plan)
    return [
        events.session_start(run.workdir.name, settings, time.time()),
        events.text("run/1_command", f"```\n{command}\n```"),
        events.text("run/2_model", events.table(config)),
        events.text("run/3_training", events.table(training)),
        events.text("run/4_dataset", events.table(_dataset(manifest))),
    ]


def num_parameters(model: keras.Model) -> int:
    """Returns how many numbers training changes."""
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


def _settings(run: "Run", plan: Plan, manifest: Manifest, model: keras.Model) -> dict[str, Any]:
    """Returns all settings by name: those of training are flags, those of the model `model.X`."""
    # The dataset is one too: the same model on other data is another line of the table.
    data = f"{manifest.name} {run.manifest_sha256[:_HASH_LETTERS]}"
    named = {"data": data, "model": run.model_name, "preset": run.preset}
    named["parameters"] = num_parameters(model)
    named |= {f"model.{name}": value for name, value in dataclasses.asdict(run.config).items()}
    return named | dataclasses.asdict(run.training) | dataclasses.asdict(plan)


def _dataset(manifest: Manifest) -> dict[str, Any]:
    sizes = {f"{split} examples": f"{manifest.num_examples(split):,}" for split in manifest.splits}
    inputs = {
        f"input {number}": " sha256 ".join(str(entry[key]) for key in ("file", "sha256"))
        for number, entry in enumerate(manifest.inputs[:_MOST_NAMES], start=1)
    }
    return {
        "name": manifest.name,
        **sizes,
        "window": f"{manifest.window_bp} bp",
        "tasks": f"{manifest.task_type}: {_shortened(manifest.tasks)}",
        "reverse complement": manifest.reverse_complement,
        "manifest sha256": manifest.sha256,
        **inputs,
    }


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
