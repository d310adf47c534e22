"""The runs of a comparison in its folder: where each is, and what is known of it.

`runs/DATASET/CONFIGURATION/seed-N` is the folder of a run as training makes it; beside it lie
`seed-N.log`, what training and evaluation have said, and `seed-N.json`, what the run was told and
has cost so far. Whether it is trained and scored, its own folder says: nothing is kept twice.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from genokeras.comparison.configurations import Configuration
from genokeras.evaluation import resamples, run_folders
from genokeras.training import train_result
from genokeras.training.run_files import write
from tfrecords.errors import InputError

RUNS_FOLDER = "runs"
# What every run is scored with: on the same resamples differences are paired.
SCORED_WITH = {"checkpoint": "best", "seed": 0, "num_bootstrap": 1000}


@dataclasses.dataclass(frozen=True)
class ComparedDataset:
    """A dataset: what it is called in the comparison, its folder or URL, its manifest's hash."""

    name: str
    data_dir: str
    manifest_sha256: str


@dataclasses.dataclass
class Record:
    """What a run was told, and what it has cost in all attempts together.

    Attributes:
        flags: Of its configuration and of all configurations.
        manifest_sha256: Of its dataset.
        seconds: Of its processes, by the clock.
        cpu_seconds: Of its processes, over all cores.
        problem: What its last attempt has failed with, or been stopped by; empty if nothing.
        has_failed: Whether it has failed; not so where it was stopped.
    """

    flags: list[str]
    manifest_sha256: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    problem: str = ""
    has_failed: bool = False


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """A configuration on a dataset with a seed; `folder` is that of the whole comparison."""

    folder: pathlib.Path
    configuration: Configuration
    dataset: ComparedDataset
    seed: int

    @property
    def workdir(self) -> pathlib.Path:
        """The folder of the run."""
        parts = RUNS_FOLDER, self.dataset.name, self.configuration.name, f"seed-{self.seed}"
        return self.folder.joinpath(*parts)

    @property
    def log_file(self) -> pathlib.Path:
        """Where its processes write what they say."""
        return self.workdir.with_name(f"{self.workdir.name}.log")

    @property
    def title(self) -> str:
        """Which run this is, in words."""
        return f"{self.dataset.name}, {self.configuration.name}, seed {self.seed}"

    @property
    def is_trained(self) -> bool:
        """Whether training has ended."""
        return (self.workdir / train_result.RESULT_FILE).exists()

    def record(self) -> Record | None:
        """Returns what is known of earlier attempts; None if there were none."""
        return _read(self._record_file) if self._record_file.exists() else None

    def save(self, record: Record) -> None:
        """Writes what is known of the run."""
        self._record_file.parent.mkdir(parents=True, exist_ok=True)
        write(self._record_file, dataclasses.asdict(record))

    def scores(self, split: str) -> dict[str, Any] | None:
        """Returns all scores of a split; None if it has not been scored as comparisons score."""
        path = self.workdir / run_folders.FOLDER / f"{split}.json"
        if not path.exists() or not self.is_trained:
            return None
        try:
            found = json.loads(path.read_text())
            is_ours = all(found[name] == value for name, value in SCORED_WITH.items())
        except (ValueError, KeyError, TypeError):
            return None
        return (
            found if is_ours and found["manifest_sha256"] == self.dataset.manifest_sha256 else None
        )

    def samples(self, split: str) -> dict[str, np.ndarray]:
        """Returns what every resample of the test examples has scored, `[R]` by metric."""
        return resamples.read(self.workdir / run_folders.FOLDER, split)

    @property
    def parameters(self) -> int | None:
        """How many numbers training has changed; None before it has ended."""
        result = train_result.read(self.workdir)
        return result and result.parameters

    @property
    def _record_file(self) -> pathlib.Path:
        return self.workdir.with_name(f"{self.workdir.name}.json")


def plan(
    folder: pathlib.Path,
    configurations: Sequence[Configuration],
    datasets: Sequence[ComparedDataset],
    seeds: Sequence[int],
) -> list[PlannedRun]:
    """Returns all runs in the order in which they are made.

    The first seed of every configuration comes before the second of any, so that what is there when
    the budget is used up can be compared.
    """
    return [
        PlannedRun(folder, configuration, dataset, seed)
        for seed in seeds
        for dataset in datasets
        for configuration in configurations
    ]


def check_unchanged(runs: Sequence[PlannedRun], flags: Sequence[str]) -> None:
    """Raises `InputError` where a run was begun with other flags, or on another dataset.

    Args:
        runs: All of the comparison.
        flags: Of all configurations, before their own.
    """
    for run in runs:
        record = run.record()
        if record is None:
            continue
        now, where = [*flags, *run.configuration.flags], run.configuration.place
        if record.flags != now:
            raise InputError(
                f"{where}: {run.configuration.name} was begun with {_shown(record.flags)} and is "
                f"now {_shown(now)}; give it another name, or delete {run.workdir.parent}"
            )
        if record.manifest_sha256 != run.dataset.manifest_sha256:
            raise InputError(
                f"{run.dataset.data_dir}: not the dataset on which runs of {run.dataset.name} were "
                f"begun; call it something else (NAME={run.dataset.data_dir}), or delete "
                f"{run.workdir.parent.parent}"
            )


def cpu_seconds(folder: pathlib.Path) -> float:
    """Returns what all runs in the folder of a comparison have cost, whoever asked for them."""
    found = (folder / RUNS_FOLDER).glob("*/*/seed-*.json")
    return sum(_read(path).cpu_seconds for path in found)


def _read(path: pathlib.Path) -> Record:
    try:
        return Record(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise InputError(
            f"{path}: not the record of a run; delete it, only what the run has cost is lost"
        ) from None


def _shown(flags: Sequence[str]) -> str:
    return " ".join(flags) or "no flags"
