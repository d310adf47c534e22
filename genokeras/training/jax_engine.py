"""The JAX engine: one compiled program per step, over all devices of all hosts.

The values of the variables are arrays on every device; a step takes them and gives new ones, in the
same memory. The batch is divided over the devices. The Keras variables hold what they did when the
engine was made, and are given values only where something else is to use the model.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from genokeras.training import variables
from genokeras.training.checkpoint import Arrays
from genokeras.training.jax_flops import program_flops
from genokeras.training.jax_step import JaxStep, State
from genokeras.training.learner import Learner

AXIS = "batch"


class JaxEngine:
    """Runs the steps of one model, as `devices.Engine` says.

    `mesh` has the one axis `AXIS`; `host` of `num_hosts` is this process.
    """

    jit = True
    notes: tuple[str, ...] = ()

    def __init__(self, learner: Learner, mesh: Mesh, host: int = 0, num_hosts: int = 1):
        self._model, self._optimizer = learner.model, learner.optimizer
        self._is_averaging = bool(learner.training.ema)
        self._mesh, self._host, self._num_hosts = mesh, host, num_hosts
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        step = make_step(learner, mesh)
        self._train = jax.jit(step.train, donate_argnums=0, out_shardings=self._everywhere)
        self._evaluate = jax.jit(step.evaluate, out_shardings=self._everywhere)
        self._state = self._from_variables()
        self._evaluated = "trainable"

    def place(self, batches: Sequence[dict[str, np.ndarray]]) -> dict[str, jax.Array]:
        """Returns this host's part of consecutive batches, `[steps, B, ...]`, on the devices."""
        return self._divided(
            {
                name: values[None] if len(batches) == 1 else np.stack([b[name] for b in batches])
                for name, values in batches[0].items()
            },
            PartitionSpec(None, AXIS),
        )

    def train_steps(self, placed: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Makes one step per placed batch, as `devices.Engine` says."""
        self._state, results = self._train(self._state, placed)
        return results

    def flops_per_step(self, placed: dict[str, jax.Array]) -> float:
        """Returns the FLOPs of one of the steps of `placed`, as `devices.Engine` says."""
        program = self._train.trace(self._state, placed).jaxpr  # JAX has it from the step.
        return program_flops(program.jaxpr) / len(placed["key"])

    def evaluate_step(self, batch: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        """Returns what `devices.Engine` says; batches of one size are compiled once."""
        placed = self._divided(batch, PartitionSpec(AXIS))
        state = self._state
        return jax.device_get(self._evaluate(state[self._evaluated], state["other"], placed))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this context the Keras model, and evaluation, have the averaged weights."""
        self._evaluated = "average" if self._is_averaging else "trainable"
        model = self._model
        for targets, group in (
            (model.trainable_variables, self._evaluated),
            (model.non_trainable_variables, "other"),
        ):
            for variable, value in zip(targets, self._state[group], strict=True):
                # A copy, since the next step uses the memory anew.
                variable.assign(jnp.copy(value.addressable_data(0)))
        try:
            yield
        finally:
            self._evaluated = "trainable"

    def state(self) -> Arrays:
        """Returns copies of all variables: `model`, `optimizer`, and, if there is one, `average`.

        Every host has all of them, so one alone may ask.
        """
        local = jax.tree.map(lambda value: value.addressable_data(0), self._state)
        # Copied once more, since on a CPU an array may share the device's memory.
        found = jax.tree.map(np.array, jax.device_get(local))
        values = {
            id(variable): value
            for group, members in self._groups().items()
            for variable, value in zip(members, found[group], strict=True)
        }
        arrays = {
            group: {name: values[id(v)] for name, v in variables.named(members).items()}
            for group, members in (
                ("model", self._model.variables),
                ("optimizer", self._optimizer.variables),
            )
        }
        if self._is_averaging:
            names = variables.named(self._model.trainable_variables)
            arrays["average"] = dict(zip(names, found["average"], strict=True))
        return arrays

    def load_state(self, arrays: Arrays, where: str) -> None:
        """Goes back to what `state()` returned; `where` names its origin in an error."""
        variables.assign(self._model.variables, arrays["model"], where)
        variables.assign(self._optimizer.variables, arrays["optimizer"], where)
        self._state = self._from_variables()
        if self._is_averaging:
            names = variables.named(self._model.trainable_variables)
            average = [arrays["average"][name] for name in names]
            self._state["average"] = self._replicated(average)

    def _groups(self) -> dict[str, list[keras.Variable]]:
        return {
            "trainable": self._model.trainable_variables,
            "other": self._model.non_trainable_variables,
            "optimizer": self._optimizer.variables,
        }

    def _from_variables(self) -> State:
        """Returns the state of the Keras variables, with the weights as their average."""
        groups = self._groups() | {
            "average": self._model.trainable_variables if self._is_averaging else []
        }
        values = {name: [np.asarray(v.value) for v in group] for name, group in groups.items()}
        return self._replicated(values)

    def _replicated(self, values: Any) -> Any:
        """Returns arrays on every device, which share no memory with what is given.

        Nor with one another, since steps change them in place. No program runs over all hosts, so
        one of them may go back to a checkpoint alone.
        """
        local = self._everywhere.addressable_devices

        def copied(value: np.ndarray) -> jax.Array:
            copies = [jax.device_put(np.array(value), device) for device in local]
            shape = np.shape(value)
            return jax.make_array_from_single_device_arrays(shape, self._everywhere, copies)

        return jax.tree.map(copied, values)

    def _divided(self, values: dict[str, np.ndarray], by: PartitionSpec) -> dict[str, jax.Array]:
        sharding = NamedSharding(self._mesh, by)
        if self._num_hosts == 1:
            return jax.device_put(values, sharding)
        return {
            name: jax.make_array_from_process_local_data(sharding, part)
            for name, part in values.items()
        }


def make_step(learner: Learner, mesh: Mesh) -> JaxStep:
    """Returns the steps of a model on the devices of `mesh`.

    Pieces of a batch are made of equal parts of what each device holds, so none has to move.
    """
    replicas, pieces = mesh.size, learner.training.gradient_accumulation

    def cut(values: Any) -> Any:
        shape = (replicas, pieces, -1, *values.shape[1:])
        values = jnp.swapaxes(values.reshape(shape), 0, 1)
        return _held(values.reshape(pieces, -1, *values.shape[3:]), PartitionSpec(None, AXIS))

    def join(values: Any) -> Any:
        shape = (pieces, replicas, -1, *values.shape[2:])
        values = jnp.swapaxes(values.reshape(shape), 0, 1)
        return _held(values.reshape(-1, *values.shape[3:]), PartitionSpec(AXIS))

    def _held(values: Any, by: PartitionSpec) -> Any:
        return jax.lax.with_sharding_constraint(values, NamedSharding(mesh, by))

    return JaxStep(learner, cut, join)
