"""Normalisation by name, with Flax's constants, which are not Keras's."""

import math
from typing import Any, Literal

import keras

from genokeras.layers.batch_norm import BatchNorm

Norm = Literal["none", "batch", "slow_batch", "layer", "group", "rms"]

_GROUPS = 32


@keras.saving.register_keras_serializable("genokeras")
class GroupNorm(keras.layers.GroupNormalization):
    """Keras's group norm, of as many groups, up to those given, as divide the channels."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.groups = math.gcd(self.groups, input_shape[self.axis])
        super().build(input_shape)


def norm(kind: Norm, **options: Any) -> keras.layers.Layer:
    """Returns a layer that normalises channels, or does not.

    `batch` and `slow_batch` over the batch, `layer` each position by itself, `group` each example
    by itself, over all positions and a group of channels. `rms` divides each position by the root
    of its mean square, without a mean or a bias (arXiv:1910.07467). The moving statistics of
    `slow_batch` (Flax's momentum) need some 500 steps to forget their start, and predictions are
    wrong until then; those of `batch` need 50.
    """
    if kind in ("batch", "slow_batch"):
        momentum = 0.9 if kind == "batch" else 0.99
        return BatchNorm(momentum=momentum, epsilon=1e-5, **options)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6, **options)
    if kind == "rms":
        return keras.layers.RMSNormalization(epsilon=1e-6, **options)
    if kind == "group":
        return GroupNorm(_GROUPS, epsilon=1e-6, **options)
    return keras.layers.Identity(**options)
