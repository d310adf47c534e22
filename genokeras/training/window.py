"""Means of what the training steps since the last row gave, and how fast they were."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np


class Window:
    """Sums over steps. Results stay on the device until `fold`, so that steps need not wait.

    Sums are part of a checkpoint: a row after a resumption is the row that would have been. Times
    are of this process only, without its first step, which compiles.
    """

    def __init__(self):
        self._pending: list[tuple[range, Mapping[str, Any]]] = []
        self._sums: dict[str, float] = {}
        self._count = 0
        self._timed_steps = 0
        self._clock: tuple[float, float] | None = None

    def add(self, steps: range, results: Mapping[str, Any], seconds_waited: float) -> None:
        """Takes the results of steps made in one call, and how long input was waited for so far.

        A result is a number, of several steps a vector.
        """
        self._pending.append((steps, results))
        self._timed_steps += len(steps)
        if self._clock is None:
            np.asarray(results["loss"])  # Waits for the device.
            self.restart_clock(seconds_waited)

    def restart_clock(self, seconds_waited: float) -> None:
        """Leaves out of the speed what has happened since the last step (an evaluation)."""
        self._clock = time.perf_counter(), seconds_waited
        self._timed_steps = 0

    def fold(self) -> str | None:
        """Fetches all results; returns the first that is not finite, as `NAME of step STEP`."""
        for steps, results in self._pending:
            fetched = {name: np.ravel(np.asarray(values)) for name, values in results.items()}
            for number, step in enumerate(steps):
                for name, values in fetched.items():
                    if not np.isfinite(values[number]):
                        return f"{name} of step {step}"
                    self._sums[name] = self._sums.get(name, 0.0) + float(values[number])
                self._count += 1
        self._pending = []
        return None

    def means(self, batch_size: int, seconds_waited: float) -> dict[str, float]:
        """Returns the means of what was folded, with the speed, and starts anew."""
        row = {name: value / self._count for name, value in self._sums.items()}
        if self._clock and self._timed_steps:
            seconds = max(time.perf_counter() - self._clock[0], 1e-9)
            row["examples_per_second"] = self._timed_steps * batch_size / seconds
            row["input_wait_fraction"] = (seconds_waited - self._clock[1]) / seconds
        self._sums, self._count = {}, 0
        return row

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps, all steps folded."""
        return {"sums": dict(self._sums), "count": self._count}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes back to what `state()` returned."""
        self._sums, self._count = dict(state["sums"]), state["count"]
