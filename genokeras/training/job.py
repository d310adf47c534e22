"""What a trainer is to do."""

import dataclasses
import itertools
import pathlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import keras

from genokeras.models.spec import Spec
from genokeras.training import loaders
from genokeras.training.devices import Batch, Devices
from genokeras.training.train_config import Plan, TrainConfig
from tfrecords.manifest import Manifest
from tfrecords.reader import Split


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be trained, on what, where. `valid` is None if there is nothing to evaluate on.

    `manifest` describes the data, `loader` is one of `runtime.LOADERS`, `steps_to_trace` those of
    which a trace is to be taken. `learning_rate` maps a step to its rate; `progress(description,
    total, completed)` starts a progress bar; `log` takes one-line messages; `publish()` is
    called whenever a checkpoint is there. `turns_strands`: examples are turned if the dataset
    says so. Only the first of several hosts writes anything.
    """

    module: types.ModuleType
    model: keras.Model
    spec: Spec
    manifest: Manifest
    training: TrainConfig
    plan: Plan
    learning_rate: Callable[[int], Any]
    train: Split
    valid: Split | None
    workdir: pathlib.Path
    devices: Devices
    loader: str
    steps_to_trace: range | None
    progress: Callable[..., Any] | None
    log: Callable[[str], None]
    publish: Callable[[], None] | None = None
    turns_strands: bool = True

    def batches(self, step: int) -> Iterator[Batch]:
        """Returns this host's part of the batches that follow `step`."""
        options = self._options | self.hosts
        if self.training.overfit_one_batch:
            return itertools.repeat(self.train.train_batch(0, 0, **options))
        return loaders.batches(self.train, step, self.loader, **options)

    def batch_of(self, step: int) -> Batch:
        """Returns the whole batch, of all hosts, that `step`, counted from 1, is made of."""
        place = (0, 0)
        if not self.training.overfit_one_batch:
            place = divmod(step - 1, self.plan.steps_per_epoch)
        return self.train.train_batch(*place, **self._options)

    @property
    def hosts(self) -> dict[str, int]:
        """Which of how many parts of every batch this host reads."""
        return {"host": self.devices.host, "num_hosts": self.devices.num_hosts}

    @property
    def _options(self) -> dict[str, Any]:
        """What batches depend on besides their step."""
        return {
            "batch_size": self.training.batch_size,
            "seed": self.training.seed,
            "shuffle_block": self.training.shuffle_block,
            "reverse_complement": None if self.turns_strands else False,
        }
