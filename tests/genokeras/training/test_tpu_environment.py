"""What TensorFlow on a TPU VM finds in its environment."""

import os
import sys

import pytest

from genokeras.training import tpu_environment

NAMES = {
    "PJRT_DEVICE",
    "NEXT_PLUGGABLE_DEVICE_USE_C_API",
    "TF_XLA_FLAGS",
    "TPU_NAME",
    "TF_PLUGGABLE_DEVICE_LIBRARY_PATH",
}


@pytest.fixture
def environment(monkeypatch):
    """The variables of a process in which nothing is set."""
    for name in NAMES:
        # First set, so that what `prepare` does is undone.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return lambda: NAMES & os.environ.keys()


@pytest.fixture
def tpu_vm(monkeypatch, tmp_path):
    """A machine with the devices and the library of a TPU; gives the path of the library."""
    package = tmp_path / "libtpu"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "libtpu.so").touch()
    (tmp_path / "accel0").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "libtpu", raising=False)
    monkeypatch.setattr(tpu_environment, "_DEVICES", (str(tmp_path / "accel*"),))
    return package / "libtpu.so"


@pytest.mark.parametrize(
    ("tpu", "strategy"), [("local", "tpu"), ("local", "auto"), (None, "tpu"), (None, "auto")]
)
def test_run_on_a_tpu_vm_finds_its_library(environment, tpu_vm, tpu, strategy):
    tpu_environment.prepare(tpu, strategy)
    assert environment() == NAMES
    assert os.environ["TF_PLUGGABLE_DEVICE_LIBRARY_PATH"] == str(tpu_vm)
    assert os.environ["TPU_NAME"] == "local"


@pytest.mark.parametrize(("tpu", "strategy"), [("mine", "tpu"), (None, "single")])
def test_run_elsewhere_is_left_alone(environment, tpu_vm, tpu, strategy):
    tpu_environment.prepare(tpu, strategy)
    assert environment() == set()


def test_what_is_set_already_stays(environment, tpu_vm, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--mine")
    tpu_environment.prepare("local", "tpu")
    assert os.environ["TF_XLA_FLAGS"] == "--mine"


def test_machine_without_a_tpu_is_none(environment, monkeypatch, tpu_vm):
    assert tpu_environment.is_tpu_vm()
    monkeypatch.setattr(tpu_environment, "_DEVICES", ())
    assert not tpu_environment.is_tpu_vm()
    tpu_environment.prepare(None, "auto")
    assert environment() == set()
