"""The facts of `test_engine.py` and `jax_facts.py`, in a process where Keras runs on JAX."""

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
    files = [FOLDER / "test_engine.py", FOLDER / "jax_facts.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env=environment, cwd=FOLDER.parents[2], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()[-5000:]
