"""A model that computes nothing: its step costs what there is around the network."""

import types
from typing import Any

import keras

from genokeras.losses.supervised import supervised_terms
from genokeras.models.spec import Spec

# Gradient descent as one writes it by hand, nothing more.
PLAIN = {"optimizer": "sgd", "beta_1": 0.0, "schedule": "constant", "clipnorm": 0.0, "ema": 0.0}


@keras.saving.register_keras_serializable("benchmarks")
class Constant(keras.layers.Layer):
    """Gives its one weight for every example: `[B, W] -> [B, 1]`."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.value = self.add_weight((), initializer="zeros", name="value")

    def call(self, x: Any) -> Any:
        return keras.ops.zeros((keras.ops.shape(x)[0], 1)) + self.value

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], 1)


def empty_model(spec: Spec) -> keras.Model:
    """Returns the model, which takes packed sequences."""
    sequence = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    return keras.Model(sequence, Constant(name="constant")(sequence))


def loss(
    config: None, model: keras.Model, batch: dict[str, Any], training: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the cross-entropy of the logits, as a model's module does."""
    logits = model(batch["sequence"], training=training)
    return supervised_terms("logits", batch["targets"], logits), {"logits": logits}


MODULE = types.SimpleNamespace(prepare=lambda config, spec, batch, training: batch, loss=loss)
