"""Batch norm whose batch is the global one, however many devices share it."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from tfrecords.errors import InputError

_scope: contextvars.ContextVar[Callable[[Any], Any] | None] = contextvars.ContextVar(
    "mean_over_replicas", default=None
)


@contextlib.contextmanager
def over_replicas(mean: Callable[[Any], Any] | None) -> Iterator[None]:
    """Within this context `BatchNorm` takes the `mean` over the replicas of its statistics.

    For replicas that each compute on a part of the batch, all parts of one size. Where one program
    computes on the whole batch, as on JAX, nothing needs to be said, or None.
    """
    token = _scope.set(mean)
    try:
        yield
    finally:
        _scope.reset(token)


def mean_over_replicas() -> Callable[[Any], Any] | None:
    """Returns what the innermost `over_replicas` was given, or None outside of one."""
    return _scope.get()


@keras.saving.register_keras_serializable("genokeras")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras's batch norm; within `over_replicas`, with the statistics of all replicas' parts.

    Keras has that too, but refuses it on JAX, and takes the variance from the mean of squares,
    which cancels. Shapes: `[..., C] -> [..., C]`.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        mean_of_all = mean_over_replicas()
        if mean_of_all is None or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, self.variable_dtype)
        axes = tuple(range(len(x.shape) - 1))
        mean = mean_of_all(ops.mean(x, axes))
        variance = mean_of_all(ops.mean(ops.square(x - mean), axes))
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * value)
        scaled = ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, self.epsilon)
        return ops.cast(scaled, self.compute_dtype)


def check_batch_norm(model: keras.Model) -> None:
    """Raises if a layer would take the statistics of each replica's part for those of the batch.

    Raises:
        InputError: A batch norm is not `BatchNorm`, or is not over the last axis.
    """
    for layer in learning_batch_norms(model):
        if not isinstance(layer, BatchNorm) or layer.axis not in (-1, layer.input_spec.ndim - 1):
            raise InputError(
                f"{layer.name}: over several devices this batch norm would see only a part of the "
                "batch; make it with genokeras.layers.norm.norm('batch'), or use one device"
            )


def learning_batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Returns the layers that make of an example, in training, what depends on its batch.

    Those that are not trainable use what they have stored, and are not among them.
    """
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
