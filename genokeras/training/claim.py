"""Making a work folder a run's own: a new one, or that of the same run, to go on with."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from genokeras.training import checkpoint, settings, train_result
from genokeras.training.devices import Devices
from genokeras.training.lock import Lock, locked
from genokeras.training.run_files import CHECKPOINTS, check_free, remove_run, write
from genokeras.training.stopping import HostLost
from genokeras.training.train_result import TrainResult
from genokeras.training.workdir import Run
from tfrecords.errors import InputError

RESUME = ("auto", "never", "must")

Log = Callable[[str], None]


@contextlib.contextmanager
def claimed(
    run: Run, devices: Devices, overrides: Sequence[str], flags: str, resume: str, log: Log
) -> Iterator[tuple[TrainResult | None, Lock | None]]:
    """Makes the work folder this run's, by the first host, for which the others wait.

    Gives the result of the run if another process has finished it meanwhile, and the lock to the
    first host. `flags` are those that repeat the run.

    Raises:
        InputError: It is another's: of a live process, or of a run with other settings.
        HostLost: The first host has raised this.
    """
    problem: Exception | None = None
    finished: TrainResult | None = None
    lock: Lock | None = None
    with contextlib.ExitStack() as stack:
        if devices.host == 0:
            try:
                lock = stack.enter_context(locked(run.workdir))
                # Once more: until now another process may have made a run here.
                old = settings_to_resume(run, resume)
                finished = find_finished(run, old, log)
                if old is None:
                    _start(run, overrides, flags, _environment(run, devices))
                elif changed := settings.changed_environment(old, _environment(run, devices)):
                    log(f"Changed since the run began, so the last bits may differ: {changed}")
                checkpoint.recover(run.workdir / CHECKPOINTS)
            except (InputError, OSError) as error:
                problem = error
        if devices.exchange(problem is not None)[0]:
            raise problem or HostLost(f"{run.workdir}: the first host could not begin; it says why")
        if devices.exchange(finished is not None)[0] and finished is None:
            finished = find_finished(run, settings.read(run.workdir), log)
        yield finished, lock


def settings_to_resume(run: Run, resume: str) -> dict[str, Any] | None:
    """Returns the settings of the run to go on with, after comparing; None to start a new run.

    Raises:
        InputError: The folder holds a run with other settings, or something else; or no run, but
            there must be one.
    """
    old = settings.read(run.workdir)
    if old is None and resume == "must":
        raise InputError(
            f"{run.workdir}: no run to go on with, and --resume=must; leave that out to start one"
        )
    if old is None:
        check_free(run.workdir)
    elif resume != "never":
        settings.check_same(run.workdir, old, settings.describe(run, (), {}))
        return old
    return None


def find_finished(run: Run, old: dict[str, Any] | None, log: Log) -> TrainResult | None:
    """Returns the result of the run with the settings `old`, if it has one already."""
    finished = None if old is None else train_result.read(run.workdir)
    if finished:
        log(f"{run.workdir}: {train_result.NOTHING_TO_DO}")
    return finished


def _start(run: Run, overrides: Sequence[str], flags: str, environment: dict[str, Any]) -> None:
    remove_run(run.workdir)
    write(run.workdir / settings.FLAGS_FILE, flags)
    described = settings.describe(run, overrides, environment)
    write(run.workdir / settings.CONFIG_FILE, described)


def _environment(run: Run, devices: Devices) -> dict[str, Any]:
    return settings.environment(devices.describe(), devices.num_threads(), run.training)
