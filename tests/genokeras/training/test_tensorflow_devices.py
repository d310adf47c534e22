"""Which devices of TensorFlow a run uses, and what is said of them."""

import types

import keras
import pytest

from genokeras.training import tensorflow_devices
from genokeras.training.runtime import Runtime
from genokeras.training.tensorflow_devices import OneDevice, connect, num_threads
from tfrecords.errors import InputError


def test_compiler_is_used_where_it_pays():
    use_jit = OneDevice().use_jit
    assert use_jit("on", steps=1)
    assert not use_jit("off", steps=10**6)
    assert use_jit("auto", steps=10**6)
    assert use_jit("on", steps=1, gains_on_cpu=False)
    has_gpu = bool(keras.distribution.list_devices("gpu"))
    assert use_jit("auto", steps=10**6, gains_on_cpu=False) == has_gpu


def test_thread_pools_are_counted():
    assert num_threads().keys() == {"intra-op", "inter-op"}
    assert min(num_threads().values()) >= 1


def test_thread_pools_that_are_not_set_are_as_large_as_there_are_cores(monkeypatch):
    for pool in ("intra", "inter"):
        name = f"get_{pool}_op_parallelism_threads"
        monkeypatch.setattr(tensorflow_devices.tf.config.threading, name, lambda: 0)
    monkeypatch.setattr(tensorflow_devices, "num_cores", lambda: 12)
    assert num_threads() == {"intra-op": 12, "inter-op": 12}


def test_gpu_that_tensorflow_does_not_find_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(tensorflow_devices, "_NVIDIA_DRIVER", tmp_path)
    monkeypatch.setattr(tensorflow_devices.tf.config, "list_physical_devices", lambda kind: [])
    assert tensorflow_devices.describe_devices(1).endswith(
        "threads); this machine has an NVIDIA driver, but TensorFlow found no GPU: install the "
        "extra `cuda` (not `tf-cpu`)"
    )


def test_one_device_is_what_there_is():
    devices = connect(Runtime())
    assert (devices.strategy, devices.num_replicas, devices.num_hosts) == ("single", 1, 1)
    assert devices.exchange(7) == [7]


@pytest.mark.skipif(bool(keras.distribution.list_devices("gpu")), reason="there is a GPU")
def test_accelerator_that_is_missing_is_refused():
    with pytest.raises(InputError, match="require_accelerator: there is none; CPU \\("):
        connect(Runtime(require_accelerator=True))


def test_devices_have_a_name_and_tell_the_peak_of_their_memory(monkeypatch):
    assert connect(Runtime(strategy="single")).kind() == "CPU"
    config = tensorflow_devices.tf.config
    peaks = {"GPU:0": 3, "GPU:1": 5}
    found = [types.SimpleNamespace(name=name) for name in peaks]
    monkeypatch.setattr(config, "list_physical_devices", lambda kind: found)
    names = {"device_name": "NVIDIA L4"}
    monkeypatch.setattr(config.experimental, "get_device_details", lambda device: names)
    read = {name: {"peak": peak} for name, peak in peaks.items()}
    monkeypatch.setattr(config.experimental, "get_memory_info", read.__getitem__)
    one, two = OneDevice(), OneDevice()
    two.num_replicas = 2
    assert (one.kind(), one.peak_memory_bytes(), two.peak_memory_bytes()) == ("NVIDIA L4", 3, 5)
    two.strategy = "tpu"
    assert (two.kind(), two.peak_memory_bytes()) == ("TPU", None)
