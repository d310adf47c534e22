"""The devices that JAX sees, on this host and on others, and which of them a run uses."""

import contextlib
import inspect
import os
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from genokeras.training import accelerators, process_memory
from genokeras.training.jax_engine import AXIS, JaxEngine
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.stopping import HostLost
from tfrecords.cores import num_cores
from tfrecords.errors import InputError

_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")
_TPU_HOSTS = "TPU_WORKER_HOSTNAMES"
# Nothing is heard of a host for so long: it is gone. JAX's own default is 100.
_HEARTBEAT_S = 30
# How messages of Gloo, NCCL and the service that joins processes begin, or what only they say.
_LOST = re.compile(
    r"gloo|nccl|coordination ?service|unavailable|aborted|deadline_exceeded|heartbeat|preempted|"
    r"connection (reset|closed|refused)|socket closed",
    re.IGNORECASE,
)


def connect(runtime: Runtime) -> "JaxDevices":
    """Returns the devices of a run, after finding the other processes if there are several.

    Those are given by `coordinator`, or found in the environment of SLURM or of a Cloud TPU.

    Raises:
        InputError: What was asked for is not there.
    """
    if runtime.tpu not in (None, "local"):
        raise InputError(
            f"tpu={runtime.tpu}: JAX runs on the hosts of a TPU themselves; run this command on "
            "each of them with strategy=tpu"
        )
    _join_processes(runtime)
    strategy = _strategy(runtime)
    if runtime.require_accelerator and jax.default_backend() == "cpu":
        raise InputError(f"require_accelerator: there is none; {_describe(jax.local_devices())}")
    ordered = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    devices = jax.local_devices()[:1] if strategy == "single" else ordered
    return JaxDevices(strategy, devices, was_chosen=runtime.strategy == "auto")


def here(strategy: str) -> "JaxDevices":
    """Returns devices of this process alone, as `devices.here` says."""
    local = jax.local_devices()
    if strategy == "single" or (strategy == "auto" and len(local) == 1):
        return JaxDevices("single", local[:1])
    return JaxDevices("mirrored", local)


class JaxDevices:
    """Devices that share every batch, as `devices.Devices` says."""

    def __init__(self, strategy: str, devices: list[jax.Device], was_chosen: bool = False):
        self.strategy, self.num_replicas = strategy, len(devices)
        self.num_hosts = len({device.process_index for device in devices})
        self.host = jax.process_index() if self.num_hosts > 1 else 0
        self._devices, self._was_chosen = devices, was_chosen
        self._mesh = Mesh(np.array(devices), (AXIS,))

    def describe(self) -> str:
        """Returns a line on the devices in use and, if it was chosen, the strategy."""
        line = f"JAX on {_describe(self._devices)}"
        if self.num_hosts > 1:
            line += f" of {self.num_hosts} processes"
        return f"{line}, strategy {self.strategy}" if self._was_chosen else line

    def num_threads(self) -> dict[str, int]:
        """Returns the size of XLA's thread pool."""
        return {"intra-op": num_cores()}

    def use_jit(self, jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
        """Returns True, as there is nothing else.

        Raises:
            InputError: It was to be off.
        """
        if jit == "off":
            raise InputError("jit=off: JAX always compiles its steps; leave jit out")
        return True

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Nothing needs to be said: the engine puts the values where they belong."""
        yield

    def engine(self, learner: Learner, jit: bool) -> JaxEngine:
        """Returns an engine for what was built within `scope()`."""
        self.use_jit("on" if jit else "off", 0)
        return JaxEngine(learner, self._mesh, self.host, self.num_hosts)

    def forward(
        self, model: keras.Model, function: Callable[[dict[str, Any]], Any], jit: bool
    ) -> Callable[[dict[str, np.ndarray]], Any]:
        """Returns `function` of arrays, as `devices.Devices` says."""
        everywhere, divided = (
            NamedSharding(self._mesh, PartitionSpec(*by)) for by in ((), (AXIS,))
        )
        values = jax.device_put([v.value for v in model.variables], everywhere)

        def compute(values: list[Any], batch: dict[str, Any]) -> Any:
            mapping = zip(model.variables, values, strict=True)
            with keras.StatelessScope(mapping, initialize_variables=False):
                return function(batch)

        compute = jax.jit(compute, out_shardings=divided)
        return lambda batch: jax.device_get(compute(values, jax.device_put(batch, divided)))

    def kind(self) -> str:
        """Returns the name of a device."""
        device = self._devices[0]
        return "CPU" if device.platform == "cpu" else device.device_kind

    def peak_memory_bytes(self) -> int | None:
        """Returns the most memory ever in use on a device of this host, or else by this process."""
        if self.kind() == "CPU":
            return process_memory.peak_bytes()
        local = [device for device in self._devices if device in jax.local_devices()]
        # There are none if XLA was told to use the allocator of the platform.
        found = [stats["peak_bytes_in_use"] for d in local if (stats := d.memory_stats())]
        return max(found, default=None)

    @contextlib.contextmanager
    def trace(self, folder: pathlib.Path) -> Iterator[Callable[[int], Any]]:
        """Within this context a trace is taken, as `devices.Devices` says."""
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # Every call of a Python function would be in it.
        jax.profiler.start_trace(folder, profiler_options=options)
        try:
            yield lambda step: jax.profiler.StepTraceAnnotation("train", step_num=step)
        finally:
            jax.profiler.stop_trace()

    @contextlib.contextmanager
    def watching_hosts(self) -> Iterator[None]:
        """Within this context the end of another host is told, as `devices.Devices` says.

        JAX tells it wherever a result is first needed, as a `ValueError` or a `RuntimeError`.
        """
        try:
            yield
        except InputError:
            raise
        except (ValueError, RuntimeError) as error:
            if self.num_hosts == 1 or not _LOST.search(str(error)):
                raise
            raise HostLost from error

    def exchange(self, value: int) -> list[int]:
        """Returns what each host gave, in their order; all hosts wait for one another."""
        if self.num_hosts == 1:
            return [int(value)]
        return [int(x) for x in multihost_utils.process_allgather(np.int32(value))]


def is_joined() -> bool:
    """Whether this process is one of several, which JAX has joined."""
    return jax.distributed.is_initialized()


def _join_processes(runtime: Runtime) -> None:
    """Makes several processes one JAX; to be done before anything is computed."""
    if is_joined():
        return
    if runtime.coordinator:
        given = (runtime.coordinator, runtime.num_processes, runtime.process_id)
    elif _is_one_of_several() or runtime.strategy == "tpu":
        given = ()
    else:
        return
    known = inspect.signature(jax.distributed.initialize).parameters  # Not of JAX before 0.7.
    timeouts = {"heartbeat_timeout_seconds": _HEARTBEAT_S}
    try:
        jax.distributed.initialize(*given, **{k: v for k, v in timeouts.items() if k in known})
    except (RuntimeError, ValueError) as error:
        if runtime.strategy == "tpu" and isinstance(error, ValueError):
            # Nothing tells of other hosts: this is the only TPU VM, or none.
            return
        problem = " ".join(str(error).split())
        raise InputError(
            f"the processes of this run could not be joined: {problem}; every one needs the same "
            "coordinator and num_processes, and a process_id of its own"
        ) from None


def _is_one_of_several() -> bool:
    """Whether SLURM or a Cloud TPU says that this process has fellows."""
    if all(name in os.environ for name in _SLURM):
        return int(os.environ["SLURM_NTASKS"]) > 1
    return "," in os.environ.get(_TPU_HOSTS, "")


def _strategy(runtime: Runtime) -> str:
    """Returns the strategy asked for, or, of `auto`, the one that fits what is there."""
    several, asked = jax.process_count() > 1, runtime.strategy
    is_tpu = jax.default_backend() == "tpu"
    if asked == "auto":
        if is_tpu:
            return "tpu"
        return "multiworker" if several else "mirrored" if jax.device_count() > 1 else "single"
    if asked == "tpu" and not is_tpu:
        raise InputError(
            f"strategy=tpu: JAX found no TPU, but {_describe(jax.local_devices())}; install "
            "the extra jax-tpu on a TPU VM"
        )
    if asked == "multiworker" and not several:
        raise InputError(
            "strategy=multiworker: this process is the only one; give coordinator, num_processes "
            "and process_id, or start it with srun, one task per process"
        )
    if asked in ("single", "mirrored") and several:
        raise InputError(
            f"strategy={asked} is for one process, and there are {jax.process_count()}; use "
            "strategy=multiworker"
        )
    return asked


def _describe(devices: list[jax.Device]) -> str:
    kinds = sorted({device.device_kind for device in devices})
    if devices[0].platform != "cpu":
        return f"{len(devices)} {devices[0].platform.upper()} ({', '.join(kinds)})"
    missing = accelerators.missing_gpu("JAX", "`jax-cuda`")
    counted = f"{len(devices)} CPU devices" if len(devices) > 1 else "CPU"
    return f"{counted} ({num_cores()} threads){missing}"
