"""Normalisation by name, with Flax's constants, which are not Keras's."""

from typing import Any, Literal

import keras

Norm = Literal["none", "batch", "slow_batch", "layer"]


def norm(kind: Norm, **options: Any) -> keras.layers.Layer:
    """Returns a layer that normalises channels over the batch, each position by itself, or not.

    The moving statistics of `slow_batch` (Flax's momentum) need some 500 steps to forget their
    start, and predictions are wrong until then; those of `batch` need 50.
    """
    if kind in ("batch", "slow_batch"):
        momentum = 0.9 if kind == "batch" else 0.99
        return keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-5, **options)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6, **options)
    return keras.layers.Identity(**options)
