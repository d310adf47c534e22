"""How a run ended, also after it was read again from its folder."""

import dataclasses
import json
import pathlib
from typing import Any

from genokeras.training import settings
from genokeras.training.run_files import RESULT_FILE
from tfrecords.errors import InputError

NOTHING_TO_DO = "already finished, nothing to do"


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        workdir: Its folder.
        steps: Steps made; fewer than planned after early stopping.
        loss: Mean training loss since the row of metrics before the last.
        metric: What the best evaluation was chosen by: a metric, or `last` (also if there was no
            valid split).
        best_step: Its step.
        scores: What the valid split scored then; empty without one.
        seconds: How long the call took that ended the run.
        parameters: How many numbers training changed.
        already_finished: Whether the run was complete before, so that nothing was done.
        is_chief: Whether this is the first of the run's hosts, which alone writes.
    """

    workdir: pathlib.Path
    steps: int
    loss: float
    metric: str
    best_step: int
    scores: dict[str, Any]
    seconds: float
    parameters: int | None = None
    already_finished: bool = False
    is_chief: bool = True


def of_same_flags(workdir: pathlib.Path, flags: str, manifest_sha256: str) -> TrainResult | None:
    """Returns how a run has ended that was started with just these flags; None if in doubt.

    Here, and on this dataset: what flags mean may change with the versions of packages, and with
    every change of this source. Loads no Keras, which takes seconds.
    """
    path, old = workdir / settings.FLAGS_FILE, settings.read(workdir)
    if old is None or not path.is_file() or path.read_text() != flags:
        return None
    now = {"versions": settings.versions(), "revision": settings.revision()}
    is_same = old["manifest_sha256"] == manifest_sha256
    is_same = is_same and {name: old["environment"].get(name) for name in now} == now
    is_same = is_same and not str(now["revision"]).endswith(settings.DIRTY)
    return read(workdir) if is_same else None


def read(workdir: pathlib.Path) -> TrainResult | None:
    """Returns how the run in `workdir` has ended, or None if it has not."""
    path = workdir / RESULT_FILE
    if not path.exists():
        return None
    try:
        return TrainResult(workdir, **json.loads(path.read_text()), already_finished=True)
    except (ValueError, TypeError):
        raise InputError(
            f"{path}: not the result of a run; delete this file, and the same command makes it "
            "again from the last checkpoint"
        ) from None
