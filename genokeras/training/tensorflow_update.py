"""What changes the weights: the optimizer, the average of the weights, leaving out a bad step.

Every replica changes its own copy of each variable, in the same way.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from genokeras.training import optimizer as optimizers
from genokeras.training import variables
from genokeras.training.checkpoint import Arrays
from genokeras.training.learner import Learner


class Update:
    """Applies gradients of the global batch."""

    def __init__(self, learner: Learner):
        self._model, self._optimizer = learner.model, learner.optimizer
        self._training = learner.training
        weights = self._model.trainable_variables if self._training.ema else []
        self._averages = [
            keras.Variable(weight, trainable=False, dtype=weight.dtype) for weight in weights
        ]
        # Keras would sum over the replicas what is a sum over them already: the norm to clip by is
        # that of the whole gradient.
        self._optimizer._all_reduce_sum_gradients = list

    def apply(self, gradients: list[Any]) -> Any:
        """Changes the weights and their average; returns the norm that the gradient had."""
        step = self._optimizer.iterations + 0
        norm = optimizers.global_norm(gradients)
        self._optimizer.apply(optimizers.clip(gradients, norm, self._training.clipnorm))
        kept = optimizers.ema_decay(self._training.ema, step)
        weights = self._model.trainable_variables if self._averages else []
        for average, weight in zip(self._averages, weights, strict=True):
            change = weight.value - average.value
            average.assign(average.value + tf.cast(1 - kept, change.dtype) * change)
        return norm

    def kept(self) -> list[tuple[Any, Any]]:
        """Returns variables and the values to go back to if the step must be left out."""
        if self._training.on_nan != "skip":
            return []
        changing = [*self._model.variables, *self._optimizer.variables, *self._averages]
        # The number of the step, and so the learning rate, goes on.
        changing = [variable for variable in changing if variable is not self._optimizer.iterations]
        return [(variable, tf.identity(variable.value)) for variable in changing]

    def undo(self, kept: list[tuple[Any, Any]], loss: Any, norm: Any) -> dict[str, Any]:
        """Goes back to what was kept unless loss and gradient are finite; says if it did."""
        if not kept:
            return {}
        is_finite = tf.math.is_finite(loss) & tf.math.is_finite(tf.cast(norm, loss.dtype))
        for variable, before in kept:
            variable.assign(tf.where(is_finite, variable.value, before))
        return {"skipped": 1 - tf.cast(is_finite, loss.dtype)}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this context the model has the averaged weights (if the run averages)."""
        weights = self._model.trainable_variables if self._averages else []
        kept = [tf.identity(weight.value) for weight in weights]
        _assign(weights, self._averages)
        try:
            yield
        finally:
            _assign(weights, kept)

    def state(self) -> Arrays:
        """Returns all variables: `model`, `optimizer`, and `average` if the run averages."""
        weights = variables.named(self._model.trainable_variables)
        averages = dict(zip(weights, self._averages, strict=False))
        average = {name: keras.ops.convert_to_numpy(value) for name, value in averages.items()}
        return {
            "model": variables.read(self._model.variables),
            "optimizer": variables.read(self._optimizer.variables),
        } | ({"average": average} if average else {})

    def load_state(self, arrays: Arrays, where: str) -> None:
        """Goes back to what `state()` returned; `where` names its origin in an error."""
        variables.assign(self._model.variables, arrays["model"], where)
        variables.assign(self._optimizer.variables, arrays["optimizer"], where)
        names = variables.named(self._model.trainable_variables)
        for name, average in zip(names, self._averages, strict=False):
            average.assign(arrays["average"][name])


def _assign(weights: list[Any], values: list[Any]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
