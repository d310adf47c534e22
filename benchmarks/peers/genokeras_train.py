"""Preset `conv_v2` by `genokeras.training.train.train`, from records on disk.

The dataset is `data/` of the folder; strands are turned on the way, as in every run. Writes the
initial weights from which all contestants start.
"""

import json
from typing import Any

import numpy as np
from rounds import CHECKED_STEPS, Rounds, Task

from genokeras import config as configs
from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.training import optimizer as optimizers
from genokeras.training.devices import connect
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train
from genokeras.training.train_config import TrainConfig, plan
from tfrecords.reader import Dataset

PRESET = "conv_v2"


class Gate:
    """A progress bar that waits between rounds."""

    def __init__(self, rounds: Rounds):
        self._rounds = rounds

    def update(self, count: int, **shown: float) -> None:
        self._rounds.step()

    def close(self) -> None:
        """Nothing is to be closed."""


def checked_losses(task: Task, training: TrainConfig) -> tuple[int, list[float], bool]:
    """Writes the initial weights; returns parameters, losses without dropout, and if compiled."""
    dataset = Dataset(task.folder / "data")
    config = configs.override(cnn_attention.PRESETS[PRESET], ["dropout=0.0"])
    spec = Spec.from_manifest(dataset.manifest)
    model = cnn_attention.build(config, spec)
    weights = {weight.path: weight.numpy() for weight in model.trainable_variables}
    np.savez(task.folder / "weights.npz", **weights)
    split = dataset.split("train")
    steps = plan(training, split.num_examples)
    devices = connect(Runtime(strategy="single"))
    jit = devices.use_jit(training.jit, steps.steps)
    optimizer = optimizers.build(training, steps, model)
    engine = devices.engine(Learner(cnn_attention, config, spec, model, optimizer, training), jit)
    batch = engine.place([next(split.eval_batches(task.batch_size))])
    losses = [float(engine.train_steps(batch)["loss"]) for _ in range(CHECKED_STEPS)]
    return sum(values.size for values in weights.values()), losses, jit


def main() -> None:
    """Takes part in rounds, and ends with how long the run waited for input."""
    task = Task.from_command_line()
    training = recipe(
        preset=PRESET,
        batch_size=task.batch_size,
        steps=task.rounds * task.round_steps,
        eval_every=task.rounds * task.round_steps,
        log_every=task.round_steps,
        schedule="constant",
        jit="on",
    )
    parameters, losses, jit = checked_losses(task, training)
    rounds = Rounds(task)
    rounds.ready(parameters, losses, ["keras", "numpy"], compiled_with_xla=jit)

    def progress(description: str, total: int, completed: int) -> Any:
        return Gate(rounds)

    workdir = task.folder / f"run_{task.batch_size}"
    train(task.folder / "data", workdir, preset=PRESET, training=training, progress=progress)
    # A row per round; its clock runs on between rounds, so its share is turned into seconds.
    waited = [
        row["train"]["input_wait_fraction"] * task.batch_size / row["train"]["examples_per_second"]
        for row in read_rows(workdir)
    ]
    print(json.dumps({"seconds_waited_per_step": waited}), flush=True)


if __name__ == "__main__":
    main()
