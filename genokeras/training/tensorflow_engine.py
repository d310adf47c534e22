"""The TensorFlow engine: what one training step and one evaluation step compute, on one device.

A step has three parts: the weight of the global batch, loss and gradients, the update. Over several
replicas the first and the last need what the others have, and only the middle may be compiled; on
one device the whole step is one compiled function, which is faster. Axes: `B` batch, `T` tasks.
"""

import contextlib
import pathlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genokeras.layers import keyed_random
from genokeras.models.spec import Spec
from genokeras.training import optimizer as optimizers
from genokeras.training import variables
from genokeras.training.checkpoint import Arrays
from genokeras.training.train_config import TrainConfig
from tfrecords.cores import num_cores

Batch = dict[str, Any]

_JIT_STEPS_ON_CPU = 500
_NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")


class TensorFlowEngine:
    """Runs steps of one model.

    `module` is the model's module, `config` its configuration, `spec` what the data demand of it;
    `optimizer` is built on the model. With `jit`, XLA compiles the steps, which makes the first one
    take seconds.
    """

    def __init__(
        self,
        module: types.ModuleType,
        config: Any,
        spec: Spec,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        training: TrainConfig,
        jit: bool,
    ):
        self._module, self._config, self._spec, self._model = module, config, spec, model
        self._optimizer, self._training, self.jit = optimizer, training, jit
        weights = model.trainable_variables if training.ema else []
        self._averages = [
            keras.Variable(weight, trainable=False, dtype=weight.dtype) for weight in weights
        ]
        # Without AutoGraph, which would take seconds to rewrite all that a step calls, in search of
        # branches on tensors; models use keras.ops, and JAX has no such branches either.
        options = {"jit_compile": jit, "autograph": False}
        self._train = tf.function(self._train_step, **options)
        self._step: Callable[[Batch], dict[str, Any]] | None = None
        self._evaluate = tf.function(self._evaluate_step, **options)

    def place(self, batch: dict[str, np.ndarray]) -> Batch:
        """Returns the batch on the device."""
        return {name: tf.constant(values) for name, values in batch.items()}

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """Makes one step; returns `loss`, its terms, and `gradient_norm`, not yet fetched.

        All batches have the shapes of the first one.
        """
        if self._step is None:
            # What a `tf.function` finds out about its arguments anew in every call takes as long
            # as the call itself.
            self._step = self._train.get_concrete_function(batch)
        return self._step(batch)

    def evaluate_step(self, batch: Batch) -> dict[str, dict[str, np.ndarray]]:
        """Returns `terms` and `weights` (their weighted sums over the batch) and `outputs`."""
        results = self._evaluate(batch)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), results)

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

    def _train_step(self, batch: Batch) -> dict[str, Any]:
        batch = self._prepared(batch, training=True)
        totals = _total_weights(batch["weight"])
        losses, gradients = self._loss_and_gradients(batch, totals)
        return losses | {"gradient_norm": self._update(gradients)}

    def _update(self, gradients: list[Any]) -> Any:
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

    def _loss_and_gradients(
        self, batch: Batch, totals: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Any]]:
        with tf.GradientTape() as tape:
            terms, _ = self._terms(batch, training=True)
            sums = {name: _weighted(term, batch["weight"]) for name, term in terms.items()}
            losses = {
                name: tf.math.divide_no_nan(sums[name], _total_of(term, totals))
                for name, term in terms.items()
            }
            data_loss = tf.add_n(list(losses.values()))
            penalties = [tf.cast(penalty, data_loss.dtype) for penalty in self._model.losses]
            loss = tf.add_n([data_loss, *penalties])
        weights = [weight.value for weight in self._model.trainable_variables]
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        reported = {"loss": data_loss} | (losses if len(losses) > 1 else {})
        if penalties:
            reported["regularizer"] = tf.add_n(penalties)
        return reported, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _evaluate_step(self, batch: Batch) -> dict[str, dict[str, Any]]:
        batch = self._prepared(batch, training=False)
        terms, outputs = self._terms(batch, training=False)
        totals = _total_weights(batch["weight"])
        return {
            "terms": {name: _weighted(term, batch["weight"]) for name, term in terms.items()},
            "weights": {name: _total_of(term, totals) for name, term in terms.items()},
            "outputs": outputs,
        }

    def _prepared(self, batch: Batch, training: bool) -> Batch:
        return self._module.prepare(self._config, self._spec, batch, training)

    def _terms(self, batch: Batch, training: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        with keyed_random.scope(batch["key"]):
            return self._module.loss(
                self._config, self._model, batch, training, gather=lambda value: value
            )


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


def _assign(weights: list[Any], values: list[Any]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)


def _total_weights(weight: Any) -> dict[str, Any]:
    return {
        "example": tf.reduce_sum(_example_weight(weight)),
        "target": tf.reduce_sum(weight),
    }


def _total_of(term: Any, totals: dict[str, Any]) -> Any:
    """A term `[B]` is weighted per example, a term `[B, T]` per target."""
    return tf.cast(totals["example" if len(term.shape) == 1 else "target"], term.dtype)


def _weighted(term: Any, weight: Any) -> Any:
    weight = _example_weight(weight) if len(term.shape) == 1 else weight
    return tf.reduce_sum(term * tf.cast(weight, term.dtype))


def _example_weight(weight: Any) -> Any:
    """An example counts as much as its best-weighted target; padding counts nothing."""
    return tf.reduce_max(tf.reshape(weight, (tf.shape(weight)[0], -1)), axis=1)
