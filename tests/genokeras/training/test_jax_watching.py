"""Speed, memory, FLOPs and traces in a process where Keras runs on JAX, with two devices."""

import json
import os
import pathlib
import runpy
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent


def run_on_jax(*command):
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    command = [sys.executable, *command]
    done = subprocess.run(command, env=environment, cwd=FOLDER.parents[2], capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-5000:]
    return done.stdout.decode()


@pytest.mark.slow
def test_what_can_be_seen_of_a_run_is_the_same_on_jax():
    names = ("test_flops.py", "test_watching.py", "jax_program_facts.py")
    files = [FOLDER / name for name in names]
    run_on_jax("-m", "pytest", "-q", "-p", "no:cacheprovider", *files)


def test_engines_count_the_same_flops_and_nearly_those_of_xla():
    """XLA adds what is elementwise, and TensorFlow pads what it convolves with a dilation."""
    on_jax = json.loads(run_on_jax(FOLDER / "preset_flops.py", "base"))["base"]
    count = runpy.run_path(str(FOLDER / "preset_flops.py"))["count"]
    assert count("cnn_attention", "base")["engine"] == pytest.approx(on_jax["engine"], rel=0.01)
    assert on_jax["engine"] == pytest.approx(on_jax["xla"], rel=0.01)
