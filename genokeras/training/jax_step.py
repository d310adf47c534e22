"""What a step computes on JAX: pure functions of the variables' values and a global batch.

They are traced once, over all devices: sums and norms over the batch are over the whole of it, and
XLA puts the communication where it is needed. Axes: `B` examples of the global batch.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras

from genokeras.layers import keyed_random
from genokeras.training import optimizer as optimizers
from genokeras.training.learner import Learner
from genokeras.training.weighting import LABELS, mean_of, total_of, total_weights, weighted_sum

Batch = dict[str, Any]
# Values by group: `trainable` and `other` variables of the model, `optimizer`, `average`.
State = dict[str, list[Any]]


class JaxStep:
    """The steps of one model.

    `cut` and `join` turn values `[B, ...]` into pieces `[pieces, B / pieces, ...]` and back, in
    whatever order leaves the examples where they are.
    """

    def __init__(self, learner: Learner, cut: Callable[[Any], Any], join: Callable[[Any], Any]):
        self._module, self._config, self._spec = learner.module, learner.config, learner.spec
        self._model, self._optimizer = learner.model, learner.optimizer
        self._training = learner.training
        self._cut, self._join = cut, join
        self._whole_batch = hasattr(self._module, "encode")
        self._pieces = self._training.gradient_accumulation
        variables = [id(variable) for variable in self._optimizer.variables]
        self._iterations = variables.index(id(self._optimizer.iterations))

    def train(self, state: State, batches: Batch) -> tuple[State, dict[str, Any]]:
        """Makes a step per batch, `[steps, B, ...]`; results of several are vectors."""
        if batches["key"].shape[0] == 1:
            return self._train(state, {name: values[0] for name, values in batches.items()})
        return jax.lax.scan(self._train, state, batches)

    def evaluate(self, trainable: list[Any], other: list[Any], batch: Batch) -> dict[str, Any]:
        """Returns `terms`, `weights`, `outputs` and `labels`, as `devices.Engine` says."""
        labels = {name: batch[name] for name in LABELS if name in batch}
        batch = self._prepared(batch, training=False)
        (terms, outputs), _, _ = self._call(trainable, other, batch, self._terms, training=False)
        totals = total_weights(batch["weight"])
        return {
            "terms": {name: weighted_sum(term, batch["weight"]) for name, term in terms.items()},
            "weights": {name: total_of(term, totals) for name, term in terms.items()},
            "outputs": outputs,
            "labels": labels,
        }

    def _train(self, state: State, batch: Batch) -> tuple[State, dict[str, Any]]:
        batch = self._prepared(batch, training=True)
        losses, gradients, other = self._loss_and_gradients(state, batch)
        norm = optimizers.global_norm(gradients)
        updated = self._updated(state, gradients, norm) | {"other": other}
        results = losses | {"gradient_norm": norm}
        if self._training.on_nan == "skip":
            is_finite = jnp.isfinite(losses["loss"]) & jnp.isfinite(norm)
            # The number of the step, and so the learning rate, goes on.
            number = updated["optimizer"][self._iterations]
            updated = jax.tree.map(lambda new, old: jnp.where(is_finite, new, old), updated, state)
            updated["optimizer"][self._iterations] = number
            results["skipped"] = 1 - is_finite.astype(losses["loss"].dtype)
        return updated, results

    def _updated(self, state: State, gradients: list[Any], norm: Any) -> State:
        step = state["optimizer"][self._iterations]
        clipped = optimizers.clip(gradients, norm, self._training.clipnorm)
        trainable, optimizer = self._optimizer.stateless_apply(
            state["optimizer"], clipped, state["trainable"]
        )
        share = 1 - optimizers.ema_decay(self._training.ema, step)
        weights = trainable if state["average"] else []
        average = [
            before + share.astype(before.dtype) * (weight - before)
            for before, weight in zip(state["average"], weights, strict=True)
        ]
        return {"trainable": trainable, "optimizer": optimizer, "average": average}

    def _loss_and_gradients(
        self, state: State, batch: Batch
    ) -> tuple[dict[str, Any], list[Any], list[Any]]:
        """Returns losses, gradients, and the new values of the `other` variables."""
        trainable, other = state["trainable"], state["other"]
        totals = total_weights(batch["weight"])
        if self._pieces == 1:
            return self._of_piece(trainable, other, batch, totals)
        pieces = {name: self._cut(values) for name, values in batch.items()}
        if self._whole_batch:
            return self._by_cached_gradients(trainable, other, batch, pieces, totals)

        def of(other: list[Any], piece: Batch) -> tuple[Any, list[Any]]:
            losses, gradients, other = self._of_piece(trainable, other, piece, totals)
            return (losses, gradients), other

        (losses, gradients), other = _sum_over(of, other, pieces)
        return losses, gradients, other

    def _of_piece(
        self, trainable: list[Any], other: list[Any], batch: Batch, totals: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Any], list[Any]]:
        """Returns what a piece of a batch adds to the losses and gradients of the whole."""

        def loss_of(trainable: list[Any]) -> tuple[Any, tuple[dict[str, Any], list[Any]]]:
            (terms, _), penalty, moved = self._call(trainable, other, batch, self._terms)
            losses = _reduced(terms, batch["weight"], totals)
            return losses["loss"] + sum(penalty.values()), (losses | penalty, moved)

        (_, (losses, moved)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        return losses, gradients, moved

    def _by_cached_gradients(
        self,
        trainable: list[Any],
        other: list[Any],
        batch: Batch,
        pieces: Batch,
        totals: dict[str, Any],
    ) -> tuple[dict[str, Any], list[Any], list[Any]]:
        """Encodes piece by piece, with the gradient of a loss that looks at all encodings.

        First all are encoded and forgotten but for the encodings; with the loss's gradient by them
        the pieces are encoded again, each with its own gradient. Reference: arXiv:2101.06983.
        """

        def encode(other: list[Any], piece: Batch) -> tuple[list[Any], Any]:
            encoded, _, moved = self._call(trainable, other, piece, self._encode)
            return moved, encoded

        encoded = jax.tree.map(self._join, jax.lax.scan(encode, other, pieces)[1])

        # Numbers of examples, as a place in the genome, have no gradient.
        varying = {n: x for n, x in encoded.items() if jnp.issubdtype(x.dtype, jnp.floating)}

        def loss_of(varying: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            whole = encoded | varying
            with keyed_random.scope(batch["key"]):
                terms, _ = self._module.loss(self._config, whole, batch, True, whole, 0)
            losses = _reduced(terms, batch["weight"], totals)
            return losses["loss"], losses

        by_encoding, losses = jax.grad(loss_of, has_aux=True)(varying)

        def of(other: list[Any], given: tuple[Batch, Any]) -> tuple[Any, list[Any]]:
            def outputs_of(trainable: list[Any]) -> tuple[Any, list[Any]]:
                encoded, penalty, moved = self._call(trainable, other, given[0], self._encode)
                return ({name: encoded[name] for name in varying}, penalty), moved

            (_, penalty), pull_back, moved = jax.vjp(outputs_of, trainable, has_aux=True)
            (gradients,) = pull_back((given[1], jax.tree.map(jnp.ones_like, penalty)))
            return (penalty, gradients), moved

        given = pieces, jax.tree.map(self._cut, by_encoding)
        (penalty, gradients), other = _sum_over(of, other, given)
        return losses | penalty, gradients, other

    def _call(
        self,
        trainable: list[Any],
        other: list[Any],
        batch: Batch,
        function: Callable[[Batch, bool], Any],
        training: bool = True,
    ) -> tuple[Any, dict[str, Any], list[Any]]:
        """Calls a function of the model while its variables have the given values.

        Returns its result, the penalties of a piece as `regularizer` if there are any, and what the
        `other` variables are after it.
        """
        model = self._model
        mapping = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, other, strict=True),
        ]
        with (
            keras.StatelessScope(mapping, collect_losses=True, initialize_variables=False) as scope,
            keyed_random.scope(batch["key"]),
        ):
            result = function(batch, training)
            penalties = model.losses if training else []
        penalty = {"regularizer": sum(penalties) / self._pieces} if penalties else {}
        moved = [scope.get_current_value(variable) for variable in model.non_trainable_variables]
        return result, penalty, moved

    def _terms(self, batch: Batch, training: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        if not self._whole_batch:
            return self._module.loss(self._config, self._model, batch, training)
        encoded = self._encode(batch, training)
        return self._module.loss(self._config, encoded, batch, training, encoded, 0)

    def _encode(self, batch: Batch, training: bool) -> dict[str, Any]:
        return self._module.encode(self._config, self._model, batch, training)

    def _prepared(self, batch: Batch, training: bool) -> Batch:
        return self._module.prepare(self._config, self._spec, batch, training)


def _reduced(terms: dict[str, Any], weight: Any, totals: dict[str, Any]) -> dict[str, Any]:
    """Returns `loss`, and its terms if several, of a batch or its part in that of a whole."""
    losses = {
        name: mean_of(weighted_sum(term, weight), total_of(term, totals))
        for name, term in terms.items()
    }
    return {"loss": sum(losses.values())} | (losses if len(losses) > 1 else {})


def _sum_over(function: Callable, other: list[Any], pieces: Any) -> tuple[Any, list[Any]]:
    """Returns the sum of `function(other, piece)[0]`, and what `other` is after the last piece."""
    first = jax.tree.map(lambda values: values[0], pieces)
    shapes, _ = jax.eval_shape(function, other, first)
    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    def add(carried: tuple[Any, list[Any]], piece: Any) -> tuple[tuple[Any, list[Any]], None]:
        found, other = function(carried[1], piece)
        return (jax.tree.map(jnp.add, carried[0], found), other), None

    return jax.lax.scan(add, (zeros, other), pieces)[0]
