"""TensorFlow finds what a TPU VM needs in the environment, and other runs find nothing of it."""

import os
import subprocess
import sys

import pytest

from genokeras.training import tpu_environment

NAMES = {
    *("PJRT_DEVICE", "NEXT_PLUGGABLE_DEVICE_USE_C_API", "TF_XLA_FLAGS", "TPU_NAME"),
    "TF_PLUGGABLE_DEVICE_LIBRARY_PATH",
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without TPU: `library` and `device` are where those of a TPU VM would be."""
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    monkeypatch.setattr(tpu_environment, "_DEVICES", (str(tmp_path / "accel*"),))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def make_tpu_vm(machine):
    (machine / "libtpu").mkdir()
    (machine / "libtpu" / "__init__.py").touch()
    (machine / "libtpu" / "libtpu.so").touch()
    (machine / "accel0").touch()


@pytest.mark.parametrize(
    ("tpu", "strategy"), [("local", "tpu"), ("local", "auto"), (None, "tpu"), (None, "auto")]
)
def test_a_tpu_vm(machine, tpu, strategy):
    make_tpu_vm(machine)
    os.environ["TF_XLA_FLAGS"] = "--mine"
    tpu_environment.prepare(tpu, strategy)
    assert os.environ.keys() >= NAMES
    library = str(machine / "libtpu" / "libtpu.so")
    assert os.environ["TF_PLUGGABLE_DEVICE_LIBRARY_PATH"] == library
    assert (os.environ["TPU_NAME"], os.environ["PJRT_DEVICE"]) == ("local", "TPU")
    assert os.environ["TF_XLA_FLAGS"] == "--mine"


@pytest.mark.parametrize(("tpu", "strategy"), [("my-tpu", "tpu"), (None, "single")])
def test_other_runs_on_a_tpu_vm(machine, tpu, strategy):
    make_tpu_vm(machine)
    tpu_environment.prepare(tpu, strategy)
    assert not os.environ.keys() & NAMES


def test_other_machines(machine):
    tpu_environment.prepare(None, "auto")
    assert not os.environ.keys() & NAMES
    tpu_environment.prepare("local", "tpu")  # Asked for: what fails says so later.
    assert os.environ.keys() & NAMES == NAMES - {"TF_PLUGGABLE_DEVICE_LIBRARY_PATH"}


@pytest.mark.parametrize(
    ("backend", "said"), [("tensorflow", "('local', 'tpu') False"), ("jax", "")]
)
def test_training_prepares_it_before_tensorflow_is_loaded(tmp_path, backend, said):
    code = (
        "import sys\n"
        "from launch import app, train\n"
        "loaded = lambda: 'tensorflow' in sys.modules\n"
        "train.tpu_environment.prepare = lambda *given: sys.exit(f'{given} {loaded()}')\n"
        "app.run(train.main, ['train', *sys.argv[1:]])\n"
    )
    flags = [f"--data_dir={tmp_path}/none", "--workdir=w", "--tpu=local", "--strategy=tpu"]
    done = subprocess.run(
        [sys.executable, "-c", code, *flags],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said in done.stderr
    assert ("no such folder" in done.stderr) == (said == "")
