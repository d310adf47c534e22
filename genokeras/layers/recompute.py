"""Gradient checkpointing: memory for long windows, paid for with time."""

from typing import Any

import keras

from genokeras.layers import batch_norm, keyed_random


@keras.saving.register_keras_serializable("genokeras")
class Recompute(keras.layers.Wrapper):
    """A layer whose inner results are not kept for the gradient, but computed again when needed.

    In training only its inputs and its output stay in memory. Results and gradients are those of
    the layer: it drops the same units again, and moving statistics move once. Shapes: those of the
    layer; its first input has a gradient, others (masks) have none. Reference: arXiv:1604.06174.
    """

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        self.built = True

    def call(self, x: Any, *others: Any, training: bool = False) -> Any:
        if not training:
            return self.layer(x, *others, training=training)
        weights = self.layer.trainable_variables
        states = self.layer.non_trainable_variables
        # The gradient is computed outside of the contexts of the loss.
        keys, mean = keyed_random.current_keys(), batch_norm.mean_over_replicas()
        kept = [(state, state.value) for state in states]
        moving: list[keras.Variable] = []

        def run(x: Any, *values: Any) -> Any:
            # A pure function of its arguments, as it is called twice: all variables are given, and
            # what it would assign is returned. That leaves out weights that do not learn: given in
            # the precision of the layer, they would come back rounded.
            given = [*zip(weights, values, strict=True), *kept]
            with (
                keras.StatelessScope(given) as scope,
                keyed_random.scope(keys),
                batch_norm.over_replicas(mean),
            ):
                before = [scope.get_current_value(state) for state in states]
                output = self.layer(x, *others, training=True)
                after = [scope.get_current_value(state) for state in states]
            moved = [place for place, old in enumerate(before) if after[place] is not old]
            moving[:] = [states[place] for place in moved]
            return output, *(after[place] for place in moved)

        values = [keras.ops.convert_to_tensor(weight.value) for weight in weights]
        output, *moved = keras.remat(run)(x, *values)
        for state, value in zip(moving, moved, strict=True):
            state.assign(value)
        return output

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)
