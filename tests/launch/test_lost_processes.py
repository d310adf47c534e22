"""Two processes that JAX has joined: when one ends, the other does so too, with its own code."""

import os
import pathlib
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
LAUNCHER = """
import os, signal, sys
from launch import app
from genokeras.training import jax_devices
from genokeras.training.runtime import Runtime
from tfrecords.errors import InputError
address, number, ending, who = sys.argv[1:]
def main():
    app.start_again_when_aborted()
    runtime = Runtime(coordinator=address, num_processes=2, process_id=int(number))
    devices = jax_devices.connect(runtime)
    with devices.watching_hosts():
        for step in range(10**9):
            devices.exchange(step)
            if step == 3 and number == who:
                if ending == "mistake":
                    raise InputError("a mistake of this host alone")
                os.kill(os.getpid(), signal.SIGKILL)
app.run(main, ["x"])
"""


@pytest.mark.parametrize(
    ("ending", "code", "who"),
    [
        ("mistake", 2, 1),
        ("kill", -9, 0),
        pytest.param("mistake", 2, 0, marks=pytest.mark.slow),
        pytest.param("kill", -9, 1, marks=pytest.mark.slow),
    ],
)
def test_the_other_process_is_to_be_started_again(ending, code, who):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    started = []
    try:
        for number in range(2):
            process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, address, str(number), ending, str(who)],
                cwd=ROOT, env=os.environ | {"KERAS_BACKEND": "jax"}, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            started.append(process)
        said = [process.communicate(timeout=100)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert started[who].returncode == code, said[who]
    assert started[1 - who].returncode == 75, said[1 - who]
    assert "error: another host of this run has ended; start all of" in said[1 - who]
    assert ("error: a mistake of this host alone" in said[who]) == (ending == "mistake")
