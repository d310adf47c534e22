"""The devices that TensorFlow sees, and which of them a run uses."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from genokeras.training.runtime import Runtime
from genokeras.training.tensorflow_engine import TensorFlowEngine
from tfrecords.cores import num_cores
from tfrecords.errors import InputError

_JIT_STEPS_ON_CPU = 500
_NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")


def connect(runtime: Runtime) -> "OneDevice":
    """Returns the devices of a run.

    Raises:
        InputError: What was asked for is not there.
    """
    if runtime.require_accelerator and not tf.config.list_physical_devices("GPU"):
        raise InputError(f"require_accelerator: there is none; {describe_devices()}")
    return OneDevice()


class OneDevice:
    """The first GPU, or the CPU, as `devices.Devices` says."""

    strategy, num_replicas, host, num_hosts = "single", 1, 0, 1

    def describe(self) -> str:
        """Returns a line on the devices in use."""
        return describe_devices()

    def num_threads(self) -> dict[str, int]:
        """Returns the sizes of TensorFlow's thread pools."""
        return num_threads()

    def use_jit(self, jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
        """Returns whether to compile with XLA; see `use_jit`."""
        return use_jit(jit, steps, gains_on_cpu)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Nothing needs to be said of one device."""
        yield

    def engine(self, *what: Any, **more: Any) -> TensorFlowEngine:
        """Returns an engine for a model and its optimizer."""
        return TensorFlowEngine(*what, **more)

    def exchange(self, value: int) -> list[int]:
        """Returns what the one host gave."""
        return [value]


def use_jit(jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
    """Returns whether to compile with XLA.

    `auto`: on a GPU always; on a CPU, where it makes a step a third shorter (of models that gain by
    it at all) but compiling takes some seconds, in runs long enough to make up for them.
    """
    is_worth_it = gains_on_cpu and steps >= _JIT_STEPS_ON_CPU
    is_worth_it = is_worth_it or bool(tf.config.list_physical_devices("GPU"))
    return jit == "on" or (jit == "auto" and is_worth_it)


def describe_devices() -> str:
    """Returns a line on the devices in use."""
    threads = ", ".join(f"{count} {name}" for name, count in num_threads().items())
    accelerators = [
        tf.config.experimental.get_device_details(device).get("device_name", device.name)
        for device in tf.config.list_physical_devices("GPU")
    ]
    if accelerators:
        return f"{len(accelerators)} GPU ({', '.join(accelerators)}); training uses the first"
    missing = ""
    if _NVIDIA_DRIVER.exists():
        missing = (
            "; this machine has an NVIDIA driver, but TensorFlow found no GPU: "
            "install the extra `cuda` (not `tf-cpu`)"
        )
    return f"CPU ({threads} threads){missing}"


def num_threads() -> dict[str, int]:
    """Returns the sizes of TensorFlow's thread pools; the last bits of results depend on them."""
    return {
        "intra-op": tf.config.threading.get_intra_op_parallelism_threads() or num_cores(),
        "inter-op": tf.config.threading.get_inter_op_parallelism_threads() or num_cores(),
    }
