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

_WORKER = pathlib.Path(__file__).parent / "worker.py"
_GROUPS = ("model/", "optimizer/", "average/", "losses")
_PATIENCE = 290  # Seconds.

Arrays = dict[str, np.ndarray]


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
        out = self._folder / f"{len(self._started)}.npz"
        process = subprocess.Popen(
            [sys.executable, _WORKER, out],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._started.append(process)
        process.stdin.write(json.dumps(order).encode())
        process.stdin.close()
        process.stdin = None

        def arrays() -> Arrays:
            said = process.communicate(timeout=_PATIENCE)[0].decode()
            assert process.returncode == 0, said[-5000:]
            return dict(np.load(out))

        return arrays


def free_port() -> int:
    """Returns a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


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
