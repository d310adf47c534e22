"""The TensorFlow engine: what one training step and one evaluation step compute, on one device.

A step has three parts: the weight of the global batch, loss and gradients, the update. Over several
replicas the first and the last need what the others have, and only the middle may be compiled; on
one device the whole step is one compiled function, which is faster. Axes: `B` batch, `T` tasks.
"""

import contextlib
import types
from collections.abc import Callable, Iterator, Sequence
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
from genokeras.training.weighting import mean_of, total_of, total_weights, weighted_sum

Batch = dict[str, Any]


class TensorFlowEngine:
    """Runs steps of one model on one device, as `devices.Engine` says.

    `module` is the model's module, `config` its configuration, `spec` what the data demand of it;
    `optimizer` is built on the model. With `jit`, XLA compiles the steps, which makes the first one
    take seconds.
    """

    notes: tuple[str, ...] = ()

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
        self._train_many = tf.function(self._loop, autograph=False)
        self._calls: dict[int, Callable[[Batch], dict[str, Any]]] = {}
        self._evaluate = tf.function(self._evaluate_step, **options)

    def place(self, batches: Sequence[dict[str, np.ndarray]]) -> Batch:
        """Returns the batches on the device; several are stacked, `[steps, B, ...]`."""
        if len(batches) == 1:
            return {name: tf.constant(values) for name, values in batches[0].items()}
        return {name: tf.constant(np.stack([b[name] for b in batches])) for name in batches[0]}

    def train_steps(self, placed: Batch) -> dict[str, Any]:
        """Makes one step per placed batch, as `devices.Engine` says.

        All batches have the shapes of the first one.
        """
        keys = placed["key"]
        steps = keys.shape[0] if len(keys.shape) == 2 else 1
        if steps not in self._calls:
            # What a `tf.function` finds out about its arguments anew in every call takes as long
            # as the call itself.
            function = self._train if steps == 1 else self._train_many
            self._calls[steps] = function.get_concrete_function(placed)
        return self._calls[steps](placed)

    def evaluate_step(self, batch: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        """Returns what `devices.Engine` says."""
        results = self._evaluate(self.place([batch]))
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

    def _loop(self, batches: Batch) -> dict[str, Any]:
        """Makes several steps in one call; a loop around the compiled step."""
        steps = batches["key"].shape[0]
        first = self._train({name: values[0] for name, values in batches.items()})
        results = {
            name: tf.TensorArray(value.dtype, steps, element_shape=value.shape).write(0, value)
            for name, value in first.items()
        }

        def step(number: Any, results: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            found = self._train({name: values[number] for name, values in batches.items()})
            return number + 1, {
                name: array.write(number, found[name]) for name, array in results.items()
            }

        loop = tf.while_loop(lambda number, _: number < steps, step, (tf.constant(1), results))
        return {name: array.stack() for name, array in loop[1].items()}

    def _train_step(self, batch: Batch) -> dict[str, Any]:
        kept = self._kept()
        batch = self._prepared(batch, training=True)
        totals = total_weights(batch["weight"])
        losses, gradients = self._loss_and_gradients(batch, totals)
        norm = self._update(gradients)
        return losses | {"gradient_norm": norm} | self._undo(kept, losses["loss"], norm)

    def _kept(self) -> dict[Any, Any]:
        """Returns the values to go back to if this step must be left out."""
        if self._training.on_nan != "skip":
            return {}
        changing = [*self._model.variables, *self._optimizer.variables, *self._averages]
        # The number of the step, and so the learning rate, goes on.
        changing = [v.value for v in changing if v is not self._optimizer.iterations]
        return {variable.ref(): tf.identity(variable) for variable in changing}

    def _undo(self, kept: dict[Any, Any], loss: Any, norm: Any) -> dict[str, Any]:
        """Goes back to what was kept unless loss and gradient are finite; says if it did."""
        if not kept:
            return {}
        is_finite = tf.math.is_finite(loss) & tf.math.is_finite(tf.cast(norm, loss.dtype))
        for reference, before in kept.items():
            variable = reference.deref()
            variable.assign(tf.where(is_finite, variable, before))
        return {"skipped": 1 - tf.cast(is_finite, loss.dtype)}

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
        """Returns losses and gradients of a batch, piece by piece if its steps accumulate."""
        pieces = self._training.gradient_accumulation
        if pieces == 1:
            return self._of_piece(batch, totals, 1.0)
        cut = {
            name: tf.reshape(values, (pieces, values.shape[0] // pieces, *values.shape[1:]))
            for name, values in batch.items()
        }

        def of(number: Any) -> Any:
            piece = {name: values[number] for name, values in cut.items()}
            return self._of_piece(piece, totals, 1 / pieces)

        def add(number: Any, sums: Any) -> Any:
            return number + 1, tf.nest.map_structure(tf.add, sums, of(number))

        return tf.while_loop(lambda number, _: number < pieces, add, (tf.constant(1), of(0)))[1]

    def _of_piece(
        self, batch: Batch, totals: dict[str, Any], share: float
    ) -> tuple[dict[str, Any], list[Any]]:
        """Returns what a part of a batch adds to the losses and gradients of the whole.

        `share` is its share of what does not depend on examples, the penalties.
        """
        with tf.GradientTape() as tape:
            terms, _ = self._terms(batch, training=True)
            losses = {
                name: mean_of(weighted_sum(term, batch["weight"]), total_of(term, totals))
                for name, term in terms.items()
            }
            data_loss = tf.add_n(list(losses.values()))
            penalties = [
                share * tf.cast(penalty, data_loss.dtype) for penalty in self._model.losses
            ]
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
        totals = total_weights(batch["weight"])
        return {
            "terms": {name: weighted_sum(term, batch["weight"]) for name, term in terms.items()},
            "weights": {name: total_of(term, totals) for name, term in terms.items()},
            "outputs": outputs,
        }

    def _prepared(self, batch: Batch, training: bool) -> Batch:
        return self._module.prepare(self._config, self._spec, batch, training)

    def _terms(self, batch: Batch, training: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        module, config = self._module, self._config
        with keyed_random.scope(batch["key"]):
            if not hasattr(module, "encode"):
                return module.loss(config, self._model, batch, training)
            encoded = module.encode(config, self._model, batch, training)
            return module.loss(config, encoded, batch, training, encoded, 0)


def _assign(weights: list[Any], values: list[Any]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
