"""What is so on JAX: the facts of three files, in a process where Keras runs on it."""

import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent


def test_engine_on_jax_keeps_the_facts():
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(FOLDER),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    names = ("test_engine.py", "jax_facts.py", "prediction_facts.py")
    files = [FOLDER / name for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env=environment, cwd=FOLDER.parents[2], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()[-5000:]
