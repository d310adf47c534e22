"""The pre-norm transformer block."""

from collections.abc import Sequence
from typing import Any

import keras

from genokeras.layers.gelu import gelu
from genokeras.layers.kinds import kinds
from genokeras.layers.norm import Norm
from genokeras.layers.rotary import Pairing


@keras.saving.register_keras_serializable("genokeras")
class TransformerBlock(keras.layers.Layer):
    """`x + attention(norm(x))`, then `x + dense(dropout(gelu(dense(norm(x)))))`.

    `gated`: `gelu(dense(.)) * dense(.)` in the place of `gelu(dense(.))` (arXiv:2002.05202), so
    that two thirds of the units cost as much. `periods` and `pairing` are those of `rotary`.
    `equivariant`: of layers on regular features (`rc_strands`), half of the parameters.
    Shapes: `[B, L, C] -> [B, L, C]`, mask bool `[B, L]` of the positions that may be attended to.
    """

    def __init__(
        self,
        num_heads: int,
        feedforward_units: int,
        dropout: float = 0.0,
        use_rotary: bool = False,
        periods: Sequence[float] = (),
        pairing: Pairing = "half",
        normalization: Norm = "layer",
        gated: bool = False,
        equivariant: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.feedforward_units = feedforward_units
        self.dropout = dropout
        self.use_rotary = use_rotary
        self.periods = tuple(periods)
        self.pairing = pairing
        self.normalization = normalization
        self.gated = gated
        self.equivariant = equivariant

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels, policy = input_shape[-1], self.dtype_policy
        kind, layers = self.normalization, kinds(self.equivariant)
        self.attention_norm = layers.norm(kind, dtype=policy, name="attention_norm")
        rotary = self.use_rotary, self.periods, self.pairing
        self.attention = layers.attention(self.num_heads, *rotary, dtype=policy, name="attention")
        self.feedforward_norm = layers.norm(kind, dtype=policy, name="feedforward_norm")
        dense = {"kernel_initializer": "lecun_normal", "dtype": policy}
        self.expand = layers.dense(self.feedforward_units, gelu, name="expand", **dense)
        if self.gated:
            self.gate = layers.dense(self.feedforward_units, name="gate", **dense)
            self.gate.build(input_shape)
        # The name salts the random numbers, so it must differ between blocks.
        self.drop = layers.dropout(self.dropout, dtype=policy, name=f"{self.name}_dropout")
        self.project = layers.dense(channels, name="project", **dense)
        for layer in (self.attention_norm, self.attention, self.feedforward_norm, self.expand):
            layer.build(input_shape)
        self.project.build((*input_shape[:-1], self.feedforward_units))

    def call(self, x: Any, padding_mask: Any | None = None, training: bool = False) -> Any:
        x = x + self.attention(self.attention_norm(x), padding_mask=padding_mask)
        normed = self.feedforward_norm(x)
        hidden = self.expand(normed)
        hidden = hidden * self.gate(normed) if self.gated else hidden
        return x + self.project(self.drop(hidden, training=training))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feedforward_units": self.feedforward_units,
            "dropout": self.dropout,
            "use_rotary": self.use_rotary,
            "periods": self.periods,
            "pairing": self.pairing,
            "normalization": self.normalization,
            "gated": self.gated,
            "equivariant": self.equivariant,
        }
