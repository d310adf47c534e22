"""Means of what the training steps since the last row gave, and how fast they were."""

import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

MOST_SKIPPED = 10

_SKIPPED = "skipped"  # The result of an engine that leaves steps out: 1 of such a step, else 0.


@dataclasses.dataclass(frozen=True)
class Failure:
    """A step after which a run cannot go on.

    Attributes:
        name: The result that was not finite.
        step: Its step.
        skipped: How many steps in a row, up to this one, were left out.
    """

    name: str
    step: int
    skipped: int = 0


class Window:
    """Sums over steps. Results stay on the device until `fold`, so that steps need not wait.

    Sums are part of a checkpoint: a row after a resumption is the row that would have been. Times
    are of this process only, without its first step, which compiles.
    """

    def __init__(self):
        self._pending: list[tuple[range, Mapping[str, Any]]] = []
        self._sums: dict[str, float] = {}
        self._count = 0
        self._skipped: int | None = None
        self._in_a_row = 0
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

    def fold(self) -> tuple[list[int], Failure | None]:
        """Fetches all results; returns the steps that were left out, and the failure, if any.

        A failure is the first result that is not finite, or the last of `MOST_SKIPPED` steps in a
        row that were left out.
        """
        skipped = []
        for steps, results in self._pending:
            fetched = {name: np.ravel(np.asarray(values)) for name, values in results.items()}
            is_skipped = fetched.pop(_SKIPPED, None)
            if is_skipped is not None and self._skipped is None:
                self._skipped = 0
            for number, step in enumerate(steps):
                values = {name: float(found[number]) for name, found in fetched.items()}
                if is_skipped is not None and is_skipped[number]:
                    skipped.append(step)
                    self._skipped, self._in_a_row = self._skipped + 1, self._in_a_row + 1
                    if self._in_a_row == MOST_SKIPPED:
                        return skipped, Failure(_first_infinite(values), step, MOST_SKIPPED)
                    continue
                if name := _first_infinite(values):
                    return skipped, Failure(name, step)
                for name, value in values.items():
                    self._sums[name] = self._sums.get(name, 0.0) + value
                self._count, self._in_a_row = self._count + 1, 0
        self._pending = []
        return skipped, None

    def means(self, batch_size: int, seconds_waited: float) -> dict[str, float]:
        """Returns the means of what was folded since `clear`, with the speed.

        Of an engine that leaves steps out also how many, `skipped_steps`; they are in no mean.
        """
        row = {name: value / self._count for name, value in self._sums.items()}
        if self._skipped is not None:
            row["skipped_steps"] = self._skipped
        if self._clock and self._timed_steps:
            seconds = max(time.perf_counter() - self._clock[0], 1e-9)
            row["examples_per_second"] = self._timed_steps * batch_size / seconds
            row["input_wait_fraction"] = (seconds_waited - self._clock[1]) / seconds
        return row

    def clear(self) -> None:
        """Starts anew with what is folded next."""
        self._sums, self._count = {}, 0
        self._skipped = None if self._skipped is None else 0

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps, all steps folded."""
        return {
            "sums": dict(self._sums),
            "count": self._count,
            "skipped": self._skipped,
            "in_a_row": self._in_a_row,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes back to what `state()` returned."""
        self._sums, self._count = dict(state["sums"]), state["count"]
        self._skipped, self._in_a_row = state["skipped"], state["in_a_row"]


def _first_infinite(values: Mapping[str, float]) -> str:
    return next((name for name, value in values.items() if not math.isfinite(value)), "")
