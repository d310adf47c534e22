"""From positions to one vector: maximum, mean and attention pooling, blind to padding."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class AttentionPool1D(keras.layers.Layer):
    """Softmax-weighted mean over positions, one weighting per head.

    Shapes: `[B, L, C]`, mask bool `[B, L] -> [B, num_heads * C]`. Scores start at zero, where every
    head is the mean over the positions that are not masked.
    """

    def __init__(self, num_heads: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_heads = num_heads

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            (input_shape[-1], self.num_heads), initializer="zeros", name="kernel"
        )

    def call(self, x: Any, padding_mask: Any | None = None) -> Any:
        scores = ops.matmul(x, self.kernel)
        if padding_mask is not None:
            scores = ops.where(padding_mask[..., None], scores, -_LARGE)
        shares = ops.exp(scores - ops.logsumexp(scores, axis=1, keepdims=True))
        pooled = ops.einsum("blh,blc->bhc", shares, x)
        return ops.reshape(pooled, (-1, self.num_heads * x.shape[2]))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_heads * input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads}


@keras.saving.register_keras_serializable("genokeras")
class MaxMeanPool1D(keras.layers.Layer):
    """Maximum and mean over the positions that are not masked: `[B, L, C] -> [B, 2 C]`."""

    def call(self, x: Any, padding_mask: Any | None = None) -> Any:
        if padding_mask is None:
            return ops.concatenate([ops.max(x, axis=1), ops.mean(x, axis=1)], axis=-1)
        mask = padding_mask[..., None]
        share = ops.cast(mask, x.dtype)
        mean = ops.sum(x * share, axis=1) / ops.maximum(ops.sum(share, axis=1), 1.0)
        return ops.concatenate([ops.max(ops.where(mask, x, -_LARGE), axis=1), mean], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], 2 * input_shape[-1])


@keras.saving.register_keras_serializable("genokeras")
class MeanPool1D(keras.layers.Layer):
    """Mean over the positions that are not masked, 0 where all are: `[B, L, C] -> [B, C]`."""

    def call(self, x: Any, padding_mask: Any) -> Any:
        share = ops.cast(padding_mask[..., None], x.dtype)
        return ops.sum(x * share, axis=1) / ops.maximum(ops.sum(share, axis=1), 1.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[-1])


# Finite, so that a sequence of nothing but padding has a mean and a gradient; float16 ends at
# 65504.
_LARGE = 3e4
