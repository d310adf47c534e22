"""Multi-head self-attention, with rotary positions if wanted."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from genokeras.layers import rotary

_NEVER = -1e9  # Far below a score, and not infinite: of nothing but padding there is a mean.


@keras.saving.register_keras_serializable("genokeras")
class SelfAttention(keras.layers.Layer):
    """Softmax attention of every position to every position that the mask allows.

    Without rotary positions it does not see the order of its inputs; `periods` (in positions) and
    `pairing` are those of `rotary`. JAX uses flash attention where the device has it. Shapes:
    `[B, L, C] -> [B, L, C]`, mask bool `[B, L]`; `num_heads` divides `C`.
    """

    _dense = keras.layers.Dense

    def __init__(
        self,
        num_heads: int,
        use_rotary: bool = False,
        periods: Sequence[float] = (),
        pairing: rotary.Pairing = "half",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if periods and not use_rotary:
            raise ValueError(f"periods={tuple(periods)} are those of rotary positions: use_rotary")
        self.num_heads = num_heads
        self.use_rotary = use_rotary
        self.periods = tuple(periods)
        self.pairing = pairing

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        per_head, rest = divmod(channels, self.num_heads)
        if rest or (self.use_rotary and per_head % 2):
            even = "an even number of " if self.use_rotary else ""
            raise ValueError(
                f"{channels} channels cannot be shared out to {self.num_heads} heads"
                f" with {even}whole channels each"
            )
        self.head_size = per_head
        for name in ("query", "key", "value", "output"):
            dense = self._dense(
                channels, kernel_initializer="lecun_normal", dtype=self.dtype_policy, name=name
            )
            dense.build(input_shape)
            setattr(self, f"{name}_dense", dense)

    def call(self, x: Any, padding_mask: Any | None = None) -> Any:
        query, key, value = self.query_dense(x), self.key_dense(x), self.value_dense(x)
        return self.output_dense(self._mix(query, key, value, padding_mask))

    def _mix(self, query: Any, key: Any, value: Any, mask: Any | None) -> Any:
        """Returns the values `[B, L, C]` that queries find by their keys; heads have one size."""
        size = self.head_size
        query, key, value = (_heads(x, size) for x in (query, key, value))
        if self.use_rotary:
            angles = rotary.frequencies(size // 2, self.periods)
            turns = np.arange(query.shape[1]), angles, self.pairing
            query, key = rotary.rotate(query, *turns), rotary.rotate(key, *turns)
        mask = None if mask is None else mask[:, None, None, :]
        # In 32 bits Keras takes the softmax of whatever it is given.
        is_exact = keras.backend.standardize_dtype(query.dtype) == "float64"
        attend = _exact_attention if is_exact else ops.dot_product_attention
        mixed = attend(query, key, value, mask=mask)
        return ops.reshape(mixed, (-1, value.shape[1], value.shape[2] * size))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"num_heads": self.num_heads, "use_rotary": self.use_rotary}
        own |= {"periods": self.periods, "pairing": self.pairing}
        return {**super().get_config(), **own}


def _exact_attention(query: Any, key: Any, value: Any, mask: Any | None) -> Any:
    """Returns what `ops.dot_product_attention` does, in the precision of what it is given."""
    scores = ops.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = ops.where(mask, scores, _NEVER)
    return ops.einsum("bhqk,bkhd->bqhd", ops.softmax(scores), value)


def _heads(x: Any, size: int) -> Any:
    return ops.reshape(x, (-1, x.shape[1], x.shape[2] // size, size))
