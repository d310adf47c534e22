"""The devices that TensorFlow sees, and which of them a run uses."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genokeras.layers.batch_norm import check_batch_norm, learning_batch_norms
from genokeras.training import accelerators, process_memory, tf_config
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.tensorflow_engine import TensorFlowEngine
from genokeras.training.tensorflow_replicas import OneReplica, Replicas, watching_hosts
from genokeras.training.tpu_environment import is_tpu_vm
from tfrecords.cores import num_cores
from tfrecords.errors import InputError

_JIT_STEPS_ON_CPU = 500


def connect(runtime: Runtime) -> "OneDevice | SeveralDevices":
    """Returns the devices of a run; of several hosts each must call it before it computes anything.

    Raises:
        InputError: What was asked for is not there.
    """
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    strategy = runtime.strategy if runtime.strategy != "auto" else _what_is_there(runtime)
    if runtime.require_accelerator and not has_gpu and strategy != "tpu":
        raise InputError(f"require_accelerator: there is none; {describe_devices(1)}")
    make = {"mirrored": _mirrored, "multiworker": _multiworker, "tpu": lambda: _tpu(runtime.tpu)}
    devices = make[strategy]() if strategy in make else OneDevice()
    devices.was_chosen = runtime.strategy == "auto"
    return devices


def here(strategy: str) -> "OneDevice | SeveralDevices":
    """Returns devices of this machine alone, as `devices.here` says."""
    # With TF_CONFIG TensorFlow may show the devices of other hosts as well.
    has_several = _cluster_size() == 1 and len(tf.config.list_physical_devices("GPU")) > 1
    is_mirrored = strategy == "mirrored" or (strategy == "auto" and has_several)
    return _mirrored() if is_mirrored else OneDevice()


class OneDevice:
    """The first GPU, or the CPU, as `devices.Devices` says."""

    strategy, num_replicas, host, num_hosts = "single", 1, 0, 1
    was_chosen = False

    def describe(self) -> str:
        """Returns a line on the devices in use and, if it was chosen, the strategy."""
        line = describe_devices(self.num_replicas // self.num_hosts)
        if self.num_hosts > 1:
            line += f" on each of {self.num_hosts} hosts"
        return f"{line}, strategy {self.strategy}" if self.was_chosen else line

    def num_threads(self) -> dict[str, int]:
        """Returns the sizes of TensorFlow's thread pools."""
        return num_threads()

    def use_jit(self, jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
        """Returns whether to compile with XLA.

        `auto`: on a GPU always; on a CPU, where it makes a step a third shorter (of models that
        gain by it at all) but compiling takes some seconds, in runs long enough to make up for
        them.
        """
        is_worth_it = gains_on_cpu and steps >= _JIT_STEPS_ON_CPU
        is_worth_it = is_worth_it or bool(tf.config.list_physical_devices("GPU"))
        return jit == "on" or (jit == "auto" and is_worth_it)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Nothing needs to be said of one device."""
        return contextlib.nullcontext()

    def engine(self, learner: Learner, jit: bool) -> TensorFlowEngine:
        """Returns an engine for what was built within `scope()`."""
        return TensorFlowEngine(learner, self._replicas(jit))

    def forward(
        self, model: keras.Model, function: Callable[[dict[str, Any]], Any], jit: bool
    ) -> Callable[[dict[str, np.ndarray]], Any]:
        """Returns `function` of arrays, as `devices.Devices` says."""
        replicas = self._replicas(jit)
        compute = replicas.rowwise(function)

        def of_arrays(batch: dict[str, np.ndarray]) -> Any:
            results = compute(replicas.place(batch))
            return tf.nest.map_structure(lambda tensor: tensor.numpy(), results)

        return of_arrays

    def _replicas(self, jit: bool) -> OneReplica | Replicas:
        return OneReplica(jit)

    def kind(self) -> str:
        """Returns the name of a device."""
        if self.strategy == "tpu":
            return "TPU"
        return next(iter(_gpu_names()), "CPU")

    def peak_memory_bytes(self) -> int | None:
        """Returns the most memory ever in use on a GPU of this host, or else by this process."""
        if self.strategy == "tpu":
            return None
        used = range(self.num_replicas // self.num_hosts if _gpu_names() else 0)
        read = tf.config.experimental.get_memory_info
        peaks = [read(f"GPU:{number}")["peak"] for number in used]
        return max(peaks) if peaks else process_memory.peak_bytes()

    @contextlib.contextmanager
    def trace(self, folder: pathlib.Path) -> Iterator[Callable[[int], Any]]:
        """Within this context a trace is taken, as `devices.Devices` says."""
        tf.profiler.experimental.start(str(folder))
        try:
            # By `_r` the profiler knows a step.
            yield lambda step: tf.profiler.experimental.Trace("train", step_num=step, _r=1)
        finally:
            tf.profiler.experimental.stop()

    def watching_hosts(self) -> contextlib.AbstractContextManager[None]:
        """Within this context the end of another host is told, as `devices.Devices` says."""
        return watching_hosts()

    def exchange(self, value: int) -> list[int]:
        """Returns what the one host gave."""
        return [int(value)]


class SeveralDevices(OneDevice):
    """The devices of a strategy of TensorFlow, on this host and on others."""

    def __init__(
        self, name: str, strategy: tf.distribute.Strategy, host: int = 0, num_hosts: int = 1
    ):
        self.strategy, self._strategy = name, strategy
        self.host, self.num_hosts = host, num_hosts
        self.num_replicas = strategy.num_replicas_in_sync
        replicas = self._replicas(jit=False)
        self._place, self._everyone = replicas.place, replicas.step(replicas.gather)

    def use_jit(self, jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
        """Returns whether to compile with XLA; a TPU knows nothing else."""
        return self.strategy == "tpu" or super().use_jit(jit, steps, gains_on_cpu)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Within this context every variable has a copy on each device."""
        return self._strategy.scope()

    def engine(self, learner: Learner, jit: bool) -> TensorFlowEngine:
        """Returns an engine for what was built within `scope()`."""
        check_batch_norm(learner.model)
        in_pieces, notes = self.strategy != "tpu", ()
        if in_pieces and jit and learning_batch_norms(learner.model):
            jit = False
            notes = (
                f"Without XLA: batch norm asks all {self.num_replicas} devices for their part of "
                "the batch, which cannot be compiled; norm=layer and norm=group can",
            )
        elif in_pieces and jit and hasattr(learner.module, "encode"):
            notes = (
                "Compiled in pieces: the loss looks at the whole batch, gathered from "
                f"{self.num_replicas} devices",
            )
        with self.scope():
            return TensorFlowEngine(learner, self._replicas(jit, notes))

    def _replicas(self, jit: bool, notes: tuple[str, ...] = ()) -> Replicas:
        in_pieces = self.strategy != "tpu"
        return Replicas(self._strategy, self.host, self.num_hosts, jit, in_pieces, notes)

    def exchange(self, value: int) -> list[int]:
        """Returns what each host gave, in their order; all hosts wait for one another."""
        if self.num_hosts == 1:
            return [int(value)]
        on_host = self.num_replicas // self.num_hosts
        given = self._place({"value": np.full(on_host, value, np.int64)})
        found = self._everyone(given)
        return found["value"].numpy()[::on_host].tolist()


def _what_is_there(runtime: Runtime) -> str:
    """Returns the strategy that `auto` stands for."""
    if runtime.tpu or is_tpu_vm() or os.environ.get("TPU_NAME"):
        return "tpu"
    if _cluster_size() > 1:
        return "multiworker"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "single"


def _cluster_size() -> int:
    cluster = tf_config.read()
    return 1 if cluster is None else len(cluster.addresses)


@functools.cache  # TensorFlow bears but one such strategy in a process.
def _mirrored() -> SeveralDevices:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    return SeveralDevices("mirrored", strategy)


def _multiworker() -> SeveralDevices:
    cluster = tf_config.read()
    if cluster is None:
        raise InputError(
            f"strategy=multiworker: {tf_config.VARIABLE} is not set; set it on each host to "
            f"{tf_config.EXAMPLE}, with the index of that host"
        )
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise InputError(
            f"{tf_config.VARIABLE}: this host cannot serve at {cluster.addresses[cluster.host]} "
            f"({_first_sentence(error)}); is the port free?"
        ) from None
    return SeveralDevices("multiworker", strategy, cluster.host, len(cluster.addresses))


def _tpu(name: str | None) -> SeveralDevices:
    name = name or os.environ.get("TPU_NAME") or "local"
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(name)
        return SeveralDevices("tpu", tf.distribute.TPUStrategy(resolver))
    except (tf.errors.OpError, ValueError, OSError) as error:
        raise InputError(
            f"tpu={name}: TensorFlow found no TPU there ({_first_sentence(error)}); on a TPU VM "
            "install tensorflow-tpu and give tpu=local, from elsewhere the name of the TPU"
        ) from None


def _first_sentence(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].partition(". ")[0]


def describe_devices(used: int) -> str:
    """Returns a line on the devices of this machine, of which so many are used."""
    threads = ", ".join(f"{count} {name}" for name, count in num_threads().items())
    gpus = _gpu_names()
    if gpus:
        rest = "" if used == len(gpus) else "; training uses the first"
        return f"{len(gpus)} GPU ({', '.join(gpus)}){rest}"
    missing = accelerators.missing_gpu("TensorFlow", "`cuda` (not `tf-cpu`)")
    counted = f"{used} CPU devices" if used > 1 else "CPU"
    return f"{counted} ({threads} threads){missing}"


def _gpu_names() -> list[str]:
    return [
        tf.config.experimental.get_device_details(device).get("device_name", device.name)
        for device in tf.config.list_physical_devices("GPU")
    ]


def num_threads() -> dict[str, int]:
    """Returns the sizes of TensorFlow's thread pools; the last bits of results depend on them."""
    return {
        "intra-op": tf.config.threading.get_intra_op_parallelism_threads() or num_cores(),
        "inter-op": tf.config.threading.get_inter_op_parallelism_threads() or num_cores(),
    }
