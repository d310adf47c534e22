"""What training needs of a backend: its devices, and an engine that computes steps on them.

A global batch of `B` examples is divided, in its order, over `num_hosts` hosts, and each host's
part over its replicas. Whatever the division, a step computes the same numbers.
"""

import pathlib
import types
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import keras
import numpy as np

from genokeras.training.checkpoint import Arrays
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError

Batch = dict[str, np.ndarray]


class Engine(Protocol):
    """Runs the steps of one model.

    Attributes:
        jit: Whether XLA compiles the steps.
        notes: Lines that a run is to say of how it computes.
    """

    jit: bool
    notes: tuple[str, ...]

    def place(self, batches: Sequence[Batch]) -> Any:
        """Returns this host's part of consecutive batches, on the devices."""

    def train_steps(self, placed: Any) -> dict[str, Any]:
        """Makes one step per placed batch.

        Returns, not yet fetched, `loss`, its terms if several, `regularizer` if there is one, and
        `gradient_norm`: a number each, of several steps a vector.
        """

    def flops_per_step(self, placed: Any) -> float:
        """Returns the FLOPs of one of the steps that `train_steps(placed)` makes, on all devices.

        Those of its matrix products and convolutions, forward and backward, a multiply and an add
        being two; not a number where they cannot be known. To be asked for once: it looks through
        the program of the step, which must have been made.
        """

    def evaluate_step(self, batch: Batch) -> dict[str, dict[str, np.ndarray]]:
        """Returns of a global batch `terms` and `weights` (weighted sums and their weights).

        And of its examples `outputs`, and `labels`: their `targets` and `weight`. It takes this
        host's part of the batch, and every host gets the results of all of it.
        """

    def averaged(self) -> AbstractContextManager[None]:
        """Within this context the Keras model has the averaged weights, or else the current ones.

        Only there the weights of the Keras model are those of the engine.
        """

    def state(self) -> Arrays:
        """Returns copies of all variables: `model`, `optimizer`, and, if there is one, `average`.

        By the names of `variables.named`, whatever the backend.
        """

    def load_state(self, arrays: Arrays, where: str) -> None:
        """Goes back to what `state()` returned; `where` names its origin in an error."""


class Devices(Protocol):
    """The devices of a run, on all its hosts.

    Attributes:
        strategy: One of `runtime.STRATEGIES`, never `auto`.
        num_replicas: Number of devices that share a batch.
        host: Number of this process, from 0; the first one is the chief, which writes.
        num_hosts: Number of processes.
    """

    strategy: str
    num_replicas: int
    host: int
    num_hosts: int

    def describe(self) -> str:
        """Returns a line on the devices in use and, if it was chosen, the strategy."""

    def num_threads(self) -> dict[str, int]:
        """Returns the sizes of thread pools; the last bits of results depend on them."""

    def use_jit(self, jit: str, steps: int, gains_on_cpu: bool = True) -> bool:
        """Returns whether steps are to be compiled with XLA; `jit` is the setting."""

    def scope(self) -> AbstractContextManager[Any]:
        """Within this context models and optimizers are built."""

    def engine(self, learner: Learner, jit: bool) -> Engine:
        """Returns an engine for what was built within `scope()`; `jit`: it compiles with XLA."""

    def forward(
        self, model: keras.Model, function: Callable[[dict[str, Any]], Any], jit: bool
    ) -> Callable[[Batch], Any]:
        """Returns `function` of a batch as one of NumPy arrays, the devices sharing its rows.

        It calls `model`, built within `scope()`, with the weights of now, and gives tensors
        `[B, ...]`, a row for each of the batch. Of a host alone; `num_replicas` divide `B`.
        """

    def kind(self) -> str:
        """Returns the name of a device, as `NVIDIA L4` or `TPU v5 lite`; `CPU` of those."""

    def peak_memory_bytes(self) -> int | None:
        """Returns the most memory ever in use on one device of this host; None if nobody knows.

        On CPUs that of this process.
        """

    def trace(
        self, folder: pathlib.Path
    ) -> AbstractContextManager[Callable[[int], AbstractContextManager[Any]]]:
        """Within this context a trace is taken of all that this host and its devices do.

        At its end it is in `folder`, as TensorBoard's profile plugin has it: in
        `plugins/profile/TIME/HOST.xplane.pb`. Gives a function: `name(step)` is a context within
        which all belongs to the step.
        """

    def watching_hosts(self) -> AbstractContextManager[None]:
        """Within this context the end of another host is raised as `stopping.HostLost`."""

    def exchange(self, value: int) -> list[int]:
        """Returns what each host gave, in their order; all hosts wait for one another."""


def connect(runtime: Runtime) -> Devices:
    """Returns the devices that a run is to use, on the backend of Keras.

    Raises:
        InputError: What was asked for is not there.
    """
    return _backend().connect(runtime)


def here(strategy: str = "auto") -> Devices:
    """Returns devices of this machine, for what hosts do not do together: predictions.

    `strategy` is `single`, `mirrored`, or `auto`: the one that fits what is there.
    """
    return _backend().here(strategy)


def check_batch_size(training: TrainConfig, devices: Devices) -> None:
    """Raises if a batch cannot be divided over the replicas, and each part into micro-batches."""
    parts = devices.num_replicas * training.gradient_accumulation
    if training.batch_size % parts:
        of_each = f" in {training.gradient_accumulation} pieces of each"
        raise InputError(
            f"batch_size={training.batch_size} cannot be divided over {devices.num_replicas} "
            f"replicas{of_each if training.gradient_accumulation > 1 else ''}; use a multiple of "
            f"{parts}"
        )


def rounded_up(batch_size: int, devices: Devices) -> int:
    """Returns the smallest size of a batch, from `batch_size` on, that the replicas divide."""
    return -(-batch_size // devices.num_replicas) * devices.num_replicas


def _backend() -> types.ModuleType:
    # Imported here: without a backend its module cannot be.
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from genokeras.training import tensorflow_devices

        return tensorflow_devices
    if backend == "jax":
        from genokeras.training import jax_devices

        return jax_devices
    raise InputError(
        f"Keras runs on {backend}, genokeras on tensorflow or jax; set KERAS_BACKEND=tensorflow or "
        "KERAS_BACKEND=jax"
    )
