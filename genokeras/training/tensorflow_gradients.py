"""Losses and gradients of the global batch, from the part of it that a replica has.

A batch may be cut into micro-batches, which are computed one after the other, so that the results
of one at a time are in memory. Axes: `B` batch, `T` tasks.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from genokeras.layers import batch_norm, keyed_random
from genokeras.training.learner import Learner
from genokeras.training.tensorflow_replicas import OneReplica, Replicas
from genokeras.training.weighting import LABELS, mean_of, total_of, total_weights, weighted_sum

Batch = dict[str, Any]


class Gradients:
    """Computes what a step needs of a model's module; to be called by every replica.

    `replicas` is what they do together.
    """

    def __init__(self, learner: Learner, replicas: OneReplica | Replicas):
        self._module, self._config, self._spec = learner.module, learner.config, learner.spec
        self._model, self._replicas = learner.model, replicas
        self._num_pieces = learner.training.gradient_accumulation
        self._prepared = replicas.piece(lambda batch: self._prepare(batch, training=True))
        self._of_batch = replicas.piece(self._gradients_of_batch)
        self._encoded = replicas.piece(self._encode_pieces)
        self._of_encoded = replicas.piece(self._losses_of_encoded)
        self._of_encoding = replicas.piece(self._gradients_of_encoding)
        self._prepared_to_evaluate = replicas.piece(lambda b: self._prepare(b, training=False))
        self._encoded_to_evaluate = replicas.piece(lambda b: self._encode(b, training=False))
        self._sums = replicas.piece(self._sums_and_outputs)

    def train(self, batch: Batch) -> tuple[dict[str, Any], list[Any]]:
        """Returns the losses of the global batch, and their gradient."""
        batch, totals = self._prepared(batch)
        totals = self._replicas.sum(totals)
        of = self._of_whole_batch if hasattr(self._module, "encode") else self._of_batch
        return self._replicas.sum(of(batch, totals))

    def evaluate(self, batch: Batch) -> dict[str, dict[str, Any]]:
        """Returns what `devices.Engine.evaluate_step` says."""
        labels = {name: batch[name] for name in LABELS if name in batch}
        batch, totals = self._prepared_to_evaluate(batch)
        encoded = ()
        if hasattr(self._module, "encode"):
            encoded = self._with_everyone(self._encoded_to_evaluate(batch))
        sums, outputs = self._sums(batch, totals, *encoded)
        return self._replicas.sum(sums) | self._replicas.gather(
            {"outputs": outputs, "labels": labels}
        )

    def _of_whole_batch(
        self, batch: Batch, totals: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Any]]:
        """Returns losses and gradients where the loss looks at the whole batch.

        With micro-batches, only what `encode` returns is in memory of all of them. The gradient of
        the loss with respect to it is known before each is encoded anew, now for its gradient (Gao
        et al. 2021, arXiv:2101.06983).
        """
        is_cut = self._num_pieces > 1
        with tf.GradientTape() as tape:
            with tape.stop_recording() if is_cut else contextlib.nullcontext():
                encoded = self._encoded(batch)
            encodings = {name: x for name, x in encoded.items() if x.dtype.is_floating}
            tape.watch(encodings)
            loss, reported = self._of_encoded(batch, totals, *self._with_everyone(encoded))
        if not is_cut:
            return reported, self._gradient(tape, loss)
        towards = tape.gradient(loss, encodings, unconnected_gradients="zero")
        # Gathered over hosts, it has forgotten its shape.
        towards = {name: tf.ensure_shape(towards[name], x.shape) for name, x in encodings.items()}
        return reported, self._of_encoding(batch, towards)

    def _with_everyone(self, encoded: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Any]:
        rows = next(iter(encoded.values())).shape[0]
        return encoded, self._replicas.gather(encoded), self._replicas.number() * rows

    def _prepare(self, batch: Batch, training: bool) -> tuple[Batch, dict[str, Any]]:
        """Returns the prepared batch and its total weights."""
        batch = self._module.prepare(self._config, self._spec, batch, training)
        return batch, total_weights(batch["weight"])

    def _gradients_of_batch(
        self, batch: Batch, totals: dict[str, Any]
    ) -> tuple[dict[str, Any], list[Any]]:
        def of_piece(piece: Batch) -> tuple[dict[str, Any], list[Any]]:
            with tf.GradientTape() as tape:
                terms, _ = self._terms(piece, training=True)
                loss, reported = self._losses(terms, piece, totals, self._num_pieces)
            return reported, self._gradient(tape, loss)

        return self._sum_over_pieces(of_piece, batch)

    def _encode_pieces(self, batch: Batch) -> dict[str, Any]:
        if self._num_pieces == 1:
            return self._encode(batch, training=True)
        of = self._of_piece_number(lambda piece: self._encode(piece, training=True), batch)
        stacked = tf.map_fn(
            of,
            tf.range(self._num_pieces),
            fn_output_signature=tf.nest.map_structure(
                tf.TensorSpec.from_tensor, of.structured_outputs
            ),
            parallel_iterations=1,
        )
        return {name: tf.reshape(x, (-1, *x.shape[2:])) for name, x in stacked.items()}

    def _losses_of_encoded(
        self, batch: Batch, totals: dict[str, Any], *encoded: Any
    ) -> tuple[Any, dict[str, Any]]:
        terms, _ = self._terms(batch, True, *encoded)
        return self._losses(terms, batch, totals, num_pieces=1)

    def _gradients_of_encoding(self, batch: Batch, towards: dict[str, Any]) -> list[Any]:
        """Returns the gradient of a loss, given its gradient with respect to the encodings."""

        def of_piece(piece: dict[str, Any]) -> list[Any]:
            batch, towards = piece
            with tf.GradientTape() as tape:
                encoded = self._encode(batch, training=True)
                parts = [tf.reduce_sum(encoded[name] * towards[name]) for name in towards]
                dtype = parts[0].dtype  # They may differ in it.
                parts = [tf.cast(part, dtype) for part in parts]
                loss = tf.add_n([*parts, *self._penalties(self._num_pieces, dtype)])
            return self._gradient(tape, loss)

        return self._sum_over_pieces(of_piece, (batch, towards))

    def _sums_and_outputs(
        self, batch: Batch, totals: dict[str, Any], *encoded: Any
    ) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        terms, outputs = self._terms(batch, False, *encoded)
        return {
            "terms": {name: weighted_sum(term, batch["weight"]) for name, term in terms.items()},
            "weights": {name: total_of(term, totals) for name, term in terms.items()},
        }, outputs

    def _terms(
        self, batch: Batch, training: bool, *encoded: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        module, config = self._module, self._config
        with self._scope(batch):
            if encoded:
                own, everyone, first_row = encoded
                return module.loss(config, own, batch, training, everyone, first_row)
            return module.loss(config, self._model, batch, training)

    def _encode(self, batch: Batch, training: bool) -> dict[str, Any]:
        with self._scope(batch):
            return self._module.encode(self._config, self._model, batch, training)

    @contextlib.contextmanager
    def _scope(self, batch: Batch) -> Iterator[None]:
        """Within this context layers know the keys of a batch, and batch norm all replicas."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(keyed_random.scope(batch["key"]))
            if self._replicas.count > 1:
                stack.enter_context(batch_norm.over_replicas(self._mean_over_replicas))
            yield

    def _mean_over_replicas(self, value: Any) -> Any:
        return self._replicas.sum(value) / self._replicas.count

    def _losses(
        self, terms: dict[str, Any], batch: Batch, totals: dict[str, Any], num_pieces: int
    ) -> tuple[Any, dict[str, Any]]:
        """Returns what a piece adds to the loss of the global batch, and to what is reported."""
        losses = {
            name: mean_of(weighted_sum(term, batch["weight"]), total_of(term, totals))
            for name, term in terms.items()
        }
        data_loss = tf.add_n(list(losses.values()))
        penalties = self._penalties(num_pieces, data_loss.dtype)
        reported = {"loss": data_loss} | (losses if len(losses) > 1 else {})
        if penalties:
            reported["regularizer"] = tf.add_n(penalties)
        return tf.add_n([data_loss, *penalties]), reported

    def _penalties(self, num_pieces: int, dtype: Any) -> list[Any]:
        """Returns a piece's share of what does not depend on examples."""
        share = 1 / (num_pieces * self._replicas.count)
        return [share * tf.cast(penalty, dtype) for penalty in self._model.losses]

    def _gradient(self, tape: tf.GradientTape, loss: Any) -> list[Any]:
        weights = [weight.value for weight in self._model.trainable_variables]
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        return [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _sum_over_pieces(self, function: Callable[[Any], Any], values: Any) -> Any:
        """Returns the sum of what `function` returns of each piece of the values."""
        if self._num_pieces == 1:
            return function(values)
        of = self._of_piece_number(function, values)

        def add(number: Any, sums: Any) -> Any:
            return number + 1, tf.nest.map_structure(tf.add, sums, of(number))

        zeros = tf.nest.map_structure(lambda x: tf.zeros(x.shape, x.dtype), of.structured_outputs)
        # In parallel they would all be in memory.
        return tf.while_loop(
            lambda number, _: number < self._num_pieces,
            add,
            (tf.constant(0), zeros),
            parallel_iterations=1,
            maximum_iterations=self._num_pieces,
        )[1]

    def _of_piece_number(self, function: Callable[[Any], Any], values: Any) -> Any:
        """Returns `function` of the piece with a number; values `[B, ...]` are cut into pieces.

        It is traced but once, and so known to the program once, with the shapes of its results.
        """
        count = self._num_pieces
        cut = tf.nest.map_structure(
            lambda x: tf.reshape(x, (count, x.shape[0] // count, *x.shape[1:])), values
        )

        def of(number: Any) -> Any:
            return function(tf.nest.map_structure(lambda x: x[number], cut))

        return tf.function(of, autograph=False).get_concrete_function(tf.TensorSpec((), tf.int32))
