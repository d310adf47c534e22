"""Runs `worker.py` in processes of their own, which end with the test; compares what they give."""

import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

CASES = ("group", "batch", "dropout", "contrastive", "views", "vae")
ALONE, SHARED = {"strategy": "single"}, {"strategy": "mirrored"}
IN_PIECES = {"gradient_accumulation": 4, "steps_per_execution": 5}

_WORKER = pathlib.Path(__file__).parent / "worker.py"
_GROUPS = ("model/", "optimizer/", "average/", "losses")
_PATIENCE = 1700  # Seconds.

Arrays = dict[str, np.ndarray]
Jobs = dict[str, dict[str, Any]]


class Processes:
    """The processes of a test, which write to `folder`; leaving the context stops them."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._started: list[subprocess.Popen] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.wait()

    def start(self, order: dict[str, Any], **environment: str) -> Callable[[], Arrays]:
        """Gives a process its order; returns a function that waits for what it computes."""
        number = len(self._started)
        out, said = self._folder / f"{number}.npz", self._folder / f"{number}.txt"
        with said.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, _WORKER, out],
                env=os.environ | environment,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        process.stdin.write(json.dumps(order).encode())
        process.stdin.close()

        def arrays() -> Arrays:
            assert process.wait(_PATIENCE) == 0, said.read_text()[-5000:]
            return dict(np.load(out))

        return arrays


def free_port() -> int:
    """Returns a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def in_ways(ways: Jobs, cases: tuple[str, ...] = CASES) -> Jobs:
    """Returns the jobs `CASE/WAY`, but for batch norm in pieces, which it refuses to see."""
    return {
        f"{case}/{way}": {"case": case, **settings}
        for case in cases
        for way, settings in ways.items()
        if case != "batch" or "gradient_accumulation" not in settings
    }


def of(arrays: Arrays, job: str) -> Arrays:
    """Returns the variables of a job, by group and name, and its losses."""
    paths = tuple(f"{job}/{group}" for group in _GROUPS)
    return {k.removeprefix(f"{job}/"): v for k, v in arrays.items() if k.startswith(paths)}


def excess(found: Arrays, expected: Arrays) -> float:
    """Returns the largest difference of a variable relative to what is allowed.

    That is 1e-9 + 1e-7 max|w|.
    """
    assert found.keys() == expected.keys()
    return max(
        np.abs(values - found[name]).max(initial=0) / (1e-9 + 1e-7 * np.abs(values).max(initial=0))
        for name, values in expected.items()
        if np.issubdtype(values.dtype, np.floating)
    )


def assert_exact(found: Arrays, jobs: Jobs, alone: Arrays) -> None:
    """Every job ends where the job of its case does that one device has alone.

    With a mistake, far from there.
    """
    for name, job in jobs.items():
        difference = excess(of(found, name), of(alone, job["case"]))
        if "mistake" in job:
            assert difference > 1000, f"{name}: the mistake is not seen"
        else:
            assert difference <= 1, name
