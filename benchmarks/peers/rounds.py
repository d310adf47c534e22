"""How every contestant of `throughput.py` takes part, whatever it is written with.

It is started with a folder and sizes and prints one JSON line on what it is. Then, for every line
that it is sent, it trains one round of steps and prints one JSON line with the seconds that took,
of the clock and of all cores together. Between rounds it waits, so that they take turns.

The folder holds `one_hot.npy` (float32 `[N, L, 4]`), `targets.npy` (float32 `[N, 1]`) and
`weights.npz` (initial weights by `LAYER/NAME`, as Keras lays them out). Standard library and NumPy
only: every environment has these.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

CHECKED_STEPS = 3
LEARNING_RATE, BETAS, EPSILON = 1e-3, (0.9, 0.999), 1e-8
NORM_MOMENTUM, NORM_EPSILON = 0.99, 1e-5
FILTERS, KERNEL_SIZE, DENSE_UNITS, DROPOUT = 64, 10, (128, 64), 0.2


@dataclasses.dataclass(frozen=True)
class Task:
    """What a contestant is to do: `round_steps` steps of `batch_size` examples per round."""

    folder: pathlib.Path
    batch_size: int
    round_steps: int
    rounds: int

    @classmethod
    def from_command_line(cls) -> "Task":
        """Returns the task that this process was started with."""
        parser = argparse.ArgumentParser()
        parser.add_argument("folder", type=pathlib.Path)
        for name in ("batch_size", "round_steps", "rounds"):
            parser.add_argument(f"--{name}", type=int, required=True)
        return cls(**vars(parser.parse_args()))

    def weights(self) -> dict[str, np.ndarray]:
        """Returns the initial weights by `LAYER/NAME`."""
        with np.load(self.folder / "weights.npz") as stored:
            return dict(stored)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns all one-hot sequences `[N, L, 4]` and targets `[N, 1]`, in memory."""
        return np.load(self.folder / "one_hot.npy"), np.load(self.folder / "targets.npy")

    def checked_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the batch that every contestant must lose the same on."""
        one_hot, targets = self.data()
        return one_hot[: self.batch_size], targets[: self.batch_size]

    def batch_rows(self, num_examples: int) -> Iterator[np.ndarray]:
        """Yields the rows of batches for ever, anew shuffled in every epoch."""
        rng = np.random.default_rng(0)
        while True:
            order = rng.permutation(num_examples)
            for start in range(0, num_examples - self.batch_size + 1, self.batch_size):
                yield order[start : start + self.batch_size]


class Rounds:
    """Counts steps: after each round it reports and waits to be sent a line."""

    def __init__(self, task: Task):
        self._task, self._steps = task, 0
        self._started = self._started_cpu = 0.0

    @property
    def are_over(self) -> bool:
        """Whether all rounds have been made."""
        return self._steps == self._task.rounds * self._task.round_steps

    def ready(
        self, parameters: int, losses: Sequence[float], packages: Sequence[str], **more: object
    ) -> None:
        """Says what takes part, and waits for the first round.

        Args:
            parameters: Number of trainable numbers of the network.
            losses: Of the first `CHECKED_STEPS` steps on the checked batch, without dropout.
            packages: Whose versions the result depends on.
            more: What else is to be known.
        """
        versions = {name: importlib.metadata.version(name) for name in packages}
        losses = [float(loss) for loss in losses]
        _say({"parameters": parameters, "losses": losses, "versions": versions, **more})
        self._wait()

    def step(self, finish: Callable[[], object] = lambda: None) -> None:
        """To be called after each step; `finish` waits for what is still being computed."""
        self._steps += 1
        if self._steps % self._task.round_steps == 0:
            finish()
            seconds = time.perf_counter() - self._started
            _say({"seconds": seconds, "cpu_seconds": time.process_time() - self._started_cpu})
            if not self.are_over:
                self._wait()

    def _wait(self) -> None:
        if not sys.stdin.readline():
            raise SystemExit
        self._started, self._started_cpu = time.perf_counter(), time.process_time()


def _say(message: dict) -> None:
    print(json.dumps(message), flush=True)
