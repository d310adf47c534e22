"""A run on disk: what it was told, what it is called, and how to get its model back."""

import contextlib
import dataclasses
import pathlib
import types
from typing import Any

import keras
import numpy as np

from genokeras import config as configs
from genokeras.models import spec as specs
from genokeras.training import checkpoint, precision, tuning, variables
from genokeras.training import settings as settings_file
from genokeras.training.remote_workdir import copy_to_read
from genokeras.training.run_files import CHECKPOINTS
from genokeras.training.settings import CONFIG_FILE
from genokeras.training.source import Source
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError, suggest
from tfrecords.manifest import Manifest
from tfrecords.mirror import Progress
from tfrecords.reader import Dataset
from tfrecords.remote_path import RemotePath, is_remote, path_of


@dataclasses.dataclass(frozen=True)
class Run:
    """A training run on disk. `Run.open(workdir)` finds it."""

    workdir: pathlib.Path
    data_dir: pathlib.Path | RemotePath
    model_name: str
    preset: str
    config: Any
    training: TrainConfig
    spec: specs.Spec
    manifest_sha256: str
    source: Source | None = None  # What it began with.

    @classmethod
    def open(cls, workdir: str | pathlib.Path, data_dir: str | pathlib.Path | None = None) -> "Run":
        """Opens a run; `data_dir` says where its dataset is now, if that has moved.

        Of a run at a URL a copy on this machine is opened.

        Raises:
            InputError: There is no run, or one of another version.
        """
        if is_remote(workdir):
            workdir = copy_to_read(workdir)
        workdir = pathlib.Path(workdir)
        settings = settings_file.require(workdir)
        try:
            module = specs.load(settings["model"])
            return cls(
                workdir=workdir,
                data_dir=path_of(data_dir or settings["data_dir"]),
                model_name=settings["model"],
                preset=settings["preset"],
                config=configs.from_dict(module.Config, settings["config"]),
                training=configs.from_dict(TrainConfig, settings["training"]),
                spec=configs.from_dict(specs.Spec, settings["spec"]),
                manifest_sha256=settings["manifest_sha256"],
                source=Source.from_settings(settings["init_from"]),
            )
        except InputError as error:
            raise InputError(f"{workdir / CONFIG_FILE}: {error}") from None

    @property
    def model_module(self) -> types.ModuleType:
        """The module of the run's model."""
        return specs.load(self.model_name)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the dataset that the run was trained on."""
        return self.dataset().manifest

    def dataset(self, progress: Progress | None = None) -> Dataset:
        """Opens the dataset that the run was trained on; `progress` is as of `Dataset`.

        Raises:
            InputError: It is not there any more, or another one is.
        """
        if not self.data_dir.is_dir():
            raise InputError(
                f"{self.data_dir}: no such folder, the dataset of {self.workdir} is not there any "
                "more; give its place now with --data_dir"
            )
        dataset = Dataset(self.data_dir, progress=progress)
        if dataset.manifest.sha256 != self.manifest_sha256:
            raise InputError(
                f"{self.data_dir}: not the dataset that {self.workdir} was trained on (manifest "
                f"sha256 {dataset.manifest.sha256[:12]}, expected {self.manifest_sha256[:12]}); "
                "give the right one with --data_dir"
            )
        return dataset

    @property
    def best_step(self) -> int:
        """The step of the best evaluation so far (of the last checkpoint, without evaluations).

        Every checkpoint knows it, so the newest one whose state is whole is asked.
        """
        saved = self._saved_steps()
        for step in reversed(saved):
            with contextlib.suppress(InputError):
                state = checkpoint.load(checkpoint.folder(self.workdir / CHECKPOINTS, step), ())[1]
                best = state["best"]["best_step"] or step
                if best in saved:
                    return best
                break
        raise InputError(
            f"{self.workdir}: its best checkpoint is damaged or gone; name another one: last, "
            + ", ".join(map(str, saved))
        )

    def step_of(self, which: str | int) -> int:
        """Returns the step that `best`, `last`, or a step (also as text) stands for.

        Raises:
            InputError: The run has no such checkpoint, or none yet.
        """
        saved = self._saved_steps()
        if which == "best":
            return self.best_step
        if which == "last":
            return saved[-1]
        if str(which).isdecimal() and int(which) in saved:
            return int(which)
        guess = suggest(str(which), ("best", "last"))
        raise InputError(
            f"{self.workdir}: no checkpoint {which!r}; there are best, last, "
            + ", ".join(map(str, saved))
            + (guess and f".{guess}")
        )

    def model(self, which: str | int = "best") -> keras.Model:
        """Returns the model with the weights of a checkpoint, averaged if the run averages.

        `which` is `best`, `last`, or a step that has a checkpoint.
        """
        with precision.scope(self.training.precision):
            model = self.model_module.build(self.config, self.spec)
        variables.assign(model.variables, self.weights(which), str(self._checkpoint(which)))
        return model

    def weights(self, which: str | int = "best") -> dict[str, np.ndarray]:
        """Returns the values of all variables of that model by name.

        Of a run with adapters they are merged into the layers, so that the model is like any other.
        """
        arrays, _ = checkpoint.load(self._checkpoint(which), ("model", "average"))
        return tuning.merged(arrays["model"] | arrays.get("average", {}), self.training)

    def _checkpoint(self, which: str | int) -> pathlib.Path:
        return checkpoint.folder(self.workdir / CHECKPOINTS, self.step_of(which))

    def _saved_steps(self) -> list[int]:
        steps = checkpoint.steps(self.workdir / CHECKPOINTS)
        if not steps:
            raise InputError(
                f"{self.workdir}: no checkpoint yet; the first one comes with the first evaluation "
                "or after checkpoint_every steps"
            )
        return steps
