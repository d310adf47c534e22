"""The TensorFlow engine: the steps of a model, on one device or on the replicas of a strategy.

A step is what every replica computes of its part of the batch; on one device that is the batch.
Axes: `B` batch.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from genokeras.training.checkpoint import Arrays
from genokeras.training.learner import Learner
from genokeras.training.tensorflow_flops import graph_flops
from genokeras.training.tensorflow_gradients import Gradients
from genokeras.training.tensorflow_replicas import OneReplica, Replicas
from genokeras.training.tensorflow_update import Update

Batch = dict[str, Any]


class TensorFlowEngine:
    """Runs steps of one model, as `devices.Engine` says; `replicas` decide what XLA compiles."""

    def __init__(self, learner: Learner, replicas: OneReplica | Replicas):
        self._replicas, self.jit, self.notes = replicas, replicas.jit, replicas.notes
        self._gradients = Gradients(learner, replicas)
        self._update = Update(learner)
        self._train = replicas.step(self._train_step)
        self._train_at = replicas.step(self._train_step_at)
        self._evaluate = replicas.step(self._gradients.evaluate)
        self._calls: dict[int, Callable[[Batch], dict[str, Any]]] = {}

    def place(self, batches: Sequence[dict[str, np.ndarray]]) -> tuple[int, Batch]:
        """Returns how many batches there are, and them on the devices: `[steps, B, ...]`.

        If there is but one, `[B, ...]`.
        """
        if len(batches) == 1:
            return 1, self._replicas.place(batches[0])
        stacked = {name: np.stack([b[name] for b in batches]) for name in batches[0]}
        return len(batches), self._replicas.place(stacked, axis=1)

    def train_steps(self, placed: tuple[int, Batch]) -> dict[str, Any]:
        """Makes one step per placed batch, as `devices.Engine` says.

        All batches have the shapes of the first one.
        """
        steps, batches = placed
        if steps not in self._calls:
            # What a `tf.function` finds out about its arguments anew in every call takes as long
            # as the call itself.
            train = self._train if steps == 1 else self._loop(steps, batches)
            self._calls[steps] = train.get_concrete_function(batches)
        return self._calls[steps](batches)

    def flops_per_step(self, placed: tuple[int, Batch]) -> float:
        """Returns the FLOPs of one of the steps of `placed`, as `devices.Engine` says."""
        steps, batches = placed
        number = () if steps == 1 else (tf.TensorSpec((), tf.int32),)
        step = self._train if steps == 1 else self._train_at
        flops = graph_flops(step.get_concrete_function(batches, *number).graph)
        return flops * self._replicas.count / self._replicas.count_in_graph

    def evaluate_step(self, batch: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        """Returns what `devices.Engine` says."""
        results = self._evaluate(self._replicas.place(batch))
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), results)

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Within this context the model has the averaged weights (if the run averages)."""
        return self._update.averaged()

    def state(self) -> Arrays:
        """Returns all variables: `model`, `optimizer`, and `average` if the run averages."""
        return self._update.state()

    def load_state(self, arrays: Arrays, where: str) -> None:
        """Goes back to what `state()` returned; `where` names its origin in an error."""
        self._update.load_state(arrays, where)

    def _loop(self, steps: int, batches: Batch) -> Callable[[Batch], dict[str, Any]]:
        """Returns a function that makes several steps in one call: a loop around the step."""
        train = self._train_at.get_concrete_function(batches, tf.TensorSpec((), tf.int32))
        like = train.structured_outputs

        def loop(batches: Batch) -> dict[str, Any]:
            def step(number: Any, results: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
                found = train(batches, number)
                return number + 1, {
                    name: array.write(number, found[name]) for name, array in results.items()
                }

            results = {
                name: tf.TensorArray(tensor.dtype, steps, element_shape=tensor.shape)
                for name, tensor in like.items()
            }
            results = tf.while_loop(
                lambda number, _: number < steps,
                step,
                (tf.constant(0), results),
                parallel_iterations=1,
            )[1]
            return {name: array.stack() for name, array in results.items()}

        return tf.function(loop, autograph=False)

    def _train_step_at(self, batches: Batch, number: Any) -> dict[str, Any]:
        return self._train_step({name: values[number] for name, values in batches.items()})

    def _train_step(self, batch: Batch) -> dict[str, Any]:
        kept = self._update.kept()
        losses, gradients = self._gradients.train(batch)
        norm = self._update.apply(gradients)
        undone = self._update.undo(kept, losses["loss"], norm)
        return losses | {"gradient_norm": norm} | undone
