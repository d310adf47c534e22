"""Which devices of TensorFlow a run uses, and what is said of them."""

import json
import types

import keras
import pytest
import tensorflow as tf

from genokeras.training import accelerators, tensorflow_devices
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
    monkeypatch.setattr(accelerators, "_NVIDIA_DRIVER", tmp_path)
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


@pytest.fixture
def made(monkeypatch):
    """Sets what there is; returns the strategy that `connect` then makes, without making it."""
    for name in ("TF_CONFIG", "TPU_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("mirrored", "multiworker", "tpu"):
        stand_in = OneDevice()
        stand_in.strategy = name
        monkeypatch.setattr(tensorflow_devices, f"_{name}", lambda *_, made=stand_in: made)

    def made(gpus=0, workers=0, is_tpu_vm=False, **runtime):
        found = [types.SimpleNamespace(name=f"GPU:{number}") for number in range(gpus)]
        monkeypatch.setattr(tensorflow_devices.tf.config, "list_physical_devices", lambda _: found)
        monkeypatch.setattr(tensorflow_devices, "is_tpu_vm", lambda: is_tpu_vm)
        if workers:
            cluster = {"worker": [f"127.0.0.1:{1000 + number}" for number in range(workers)]}
            config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
            monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        devices = connect(Runtime(**runtime))
        assert devices.was_chosen == ("strategy" not in runtime)
        return devices.strategy

    return made


def test_auto_is_what_there_is(made):
    """A TPU before several hosts, which may have several GPUs each, before one host with them."""
    assert made() == made(gpus=1) == "single"
    assert made(gpus=2) == "mirrored"
    assert made(gpus=2, workers=1) == "mirrored"
    assert made(gpus=2, workers=2) == "multiworker"
    assert made(is_tpu_vm=True, workers=2) == made(tpu="mine") == "tpu"


def test_what_is_asked_for_is_not_chosen(made):
    assert made(gpus=2, strategy="single") == "single"
    assert made(strategy="mirrored") == "mirrored"
    # A TPU is an accelerator.
    assert made(strategy="tpu", require_accelerator=True) == "tpu"


def test_tpu_that_is_not_there_is_told_in_one_line(monkeypatch):
    def connect_to(name):
        text = "TPUs not found in the cluster. Failed in initialization: No OpKernel was\nmore"
        raise tf.errors.NotFoundError(None, None, text)

    resolver = tf.distribute.cluster_resolver.TPUClusterResolver
    monkeypatch.setattr(resolver, "connect", connect_to)
    with pytest.raises(InputError) as error:
        connect(Runtime(strategy="tpu"))
    assert str(error.value) == (
        "tpu=local: TensorFlow found no TPU there (TPUs not found in the cluster); on a TPU VM "
        "install tensorflow-tpu and give tpu=local, from elsewhere the name of the TPU"
    )


def test_several_hosts_without_a_cluster_are_refused(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="^strategy=multiworker: TF_CONFIG is not set; set it on"):
        connect(Runtime(strategy="multiworker"))


def test_port_that_is_taken_is_told(monkeypatch):
    def make():
        raise tf.errors.UnknownError(None, None, "Could not start gRPC server")

    monkeypatch.setattr(tensorflow_devices.tf.distribute, "MultiWorkerMirroredStrategy", make)
    cluster = {"worker": ["127.0.0.1:1000", "127.0.0.1:1001"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(InputError) as error:
        connect(Runtime())
    assert str(error.value) == (
        "TF_CONFIG: this host cannot serve at 127.0.0.1:1001 (Could not start gRPC server); is the "
        "port free?"
    )
