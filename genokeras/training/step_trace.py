"""A trace of some steps of a run, which TensorBoard's PROFILE tab shows."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genokeras.training.chunks import chunk_sizes
from genokeras.training.job import Job
from genokeras.training.summaries import EVENTS_FOLDER
from tfrecords.files import naming, sync

# Where the profile plugin looks, below a folder of event files.
TRACES = pathlib.Path(EVENTS_FOLDER) / "plugins" / "profile"

_HIDDEN = ".writing.trace"


class StepTrace:
    """Traces the steps `job.steps_to_trace`, on the first host.

    Calls of several steps are traced as a whole, and what comes between steps (evaluations,
    checkpoints) as well. The trace appears by renaming; one that is cut short is kept, under the
    steps that it has.
    """

    def __init__(self, job: Job):
        self._job = job
        self._wanted = job.steps_to_trace if job.devices.host == 0 else None
        self._hidden = job.workdir / _HIDDEN
        self._taken = contextlib.ExitStack()  # Holds the trace that is being taken.
        self._named: Any = None  # Names steps in it.
        self._begun = self._step = 0  # The step before the first one of it, and the last step made.
        self._results: Mapping[str, Any] | None = None

    @contextlib.contextmanager
    def during(self, step: int) -> Iterator[None]:
        """Within this context, in which a run goes on from `step`, steps may be traced.

        At its end a trace that is still being taken is written. If none was, that is said.
        """
        self._step = step
        if self._wanted and step >= self._wanted[-1]:
            self._say_none(f"the run goes on from step {step}")
        elif self._wanted and self._wanted[0] > self._job.plan.steps:
            self._say_none(f"the run has {self._job.plan.steps} steps")
        try:
            yield
            if self._wanted and not self._named:
                self._say_none(f"the run stopped at step {self._step}")
        finally:
            self._write()

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Within this context the next steps are made, in one call; begins the trace if it is due.

        What is waited for before them belongs to them.
        """
        if self._wanted and not self._named:
            training = self._job.training
            most, alone = training.steps_per_execution, training.histograms
            size = next(chunk_sizes(self._step, self._job.plan, most, alone=alone))
            if self._step + size >= self._wanted[0]:
                self._begin()
        with self._named(self._step + 1) if self._named else contextlib.nullcontext():
            yield

    def made(self, step: int, results: Mapping[str, Any]) -> bool:
        """Takes the results of a call, after which the run is at `step`; ends the trace if due.

        Returns whether it did: that took a while.
        """
        if not self._wanted:
            return False
        self._step, self._results = step, results
        if not self._named or step < self._wanted[-1]:
            return False
        self._wait()
        self._write()
        return True

    def _begin(self) -> None:
        self._wait()
        shutil.rmtree(self._hidden, ignore_errors=True)
        self._named = self._taken.enter_context(self._job.devices.trace(self._hidden))
        self._begun = self._step

    def _wait(self) -> None:
        """Waits for the devices, which may be some steps behind."""
        if self._results is not None:
            np.asarray(self._results["loss"])

    def _write(self) -> None:
        """Ends the trace, if there is one, and puts it where it belongs."""
        if not self._named:
            return
        self._named = None
        try:
            self._taken.close()
            traces = sorted(self._hidden.glob("plugins/profile/*/*.xplane.pb"))
            if traces and self._step > self._begun:
                self._keep(traces[0].parent)
            elif not traces:
                self._say_none("the profiler wrote none")
        finally:
            self._wanted = None
            shutil.rmtree(self._hidden, ignore_errors=True)

    def _keep(self, written: pathlib.Path) -> None:
        first, workdir = self._begun + 1, self._job.workdir
        folder = workdir / TRACES / f"steps-{first}-{self._step}"
        with naming(folder, written):
            for path in written.iterdir():
                sync(path)
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Of a run that was killed after these steps and has made them again.
            shutil.rmtree(folder, ignore_errors=True)
            written.rename(folder)
        self._job.log(
            f"Trace of steps {first} to {self._step}: {folder}; to look at it, install "
            f"tensorboard-plugin-profile and start tensorboard --logdir {workdir}"
        )

    def _say_none(self, reason: str) -> None:
        first, last = self._wanted[0], self._wanted[-1]
        self._job.log(f"profile_steps={first}:{last}: no trace was taken, since {reason}")
        self._wanted = None
