"""Self-attention of regular features."""

from typing import Any

import keras

from genokeras.layers.rc_conv import RcDense
from genokeras.layers.rc_strands import both_masks, half_of, join_strands, split_strands
from genokeras.layers.self_attention import SelfAttention


@keras.saving.register_keras_serializable("genokeras")
class RcSelfAttention(SelfAttention):
    """Attention of which half of the heads read the given strand, and half the opposite one.

    Queries, keys, values and the output are equivariant dense layers, which mix the strands. Rotary
    positions count 5'->3' on either strand. Shapes: regular `[B, L, 2 C] -> [B, L, 2 C]`, mask bool
    `[B, L]`; an even `num_heads` divides `2 C`.
    """

    _dense = RcDense

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        half_of(self.num_heads, "num_heads")
        super().build(input_shape)

    def _mix(self, query: Any, key: Any, value: Any, mask: Any | None) -> Any:
        query, key, value = (split_strands(x) for x in (query, key, value))
        mask = None if mask is None else both_masks(mask)
        return join_strands(super()._mix(query, key, value, mask))
