"""Normalisation by name, with Flax's constants, which are not Keras's."""

from typing import Any, Literal

import keras

Norm = Literal["none", "batch", "layer"]


def norm(kind: Norm, **options: Any) -> keras.layers.Layer:
    """Returns a layer that normalises channels over the batch, each position by itself, or not."""
    if kind == "batch":
        return keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-5, **options)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6, **options)
    return keras.layers.Identity(**options)
