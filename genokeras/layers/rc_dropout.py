"""Dropout that leaves symmetry alone, also in training."""

from typing import Any

import keras
from keras import ops

from genokeras.layers.dropout import KeyedDropout
from genokeras.layers.rc_strands import join_strands


@keras.saving.register_keras_serializable("genokeras")
class RcDropout(KeyedDropout):
    """Keyed dropout of a regular feature: a unit and its mirror image are dropped together.

    What is drawn for a position and channel holds for the mirrored channel of the mirrored position
    as well, so with the same key a sequence and its reverse complement lose the same. Shapes:
    `[B, L, 2 C]` or `[B, 2 C]`, in and out.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        kept = super().call(ops.ones_like(inputs[..., : inputs.shape[-1] // 2]), training=training)
        return inputs * join_strands(ops.concatenate([kept, kept]))
