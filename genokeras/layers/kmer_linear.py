"""A linear model of k-mer counts inside a network: strong for short windows, and trained jointly."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("genokeras")
class KmerLinear(keras.layers.Layer):
    """Weighted sum of the counts of all k-mers, a k-mer and its reverse complement being one.

    A k-mer occurs where a product of k one-hot entries is one. So counts are bilinear in the products
    of the two halves of a window: a matrix product, with a gradient with respect to the one-hot matrix,
    and no table look-up. Windows with padding (or zeros for N) count nothing. Weights start at zero.

    Shapes: `[B, L, 4] -> [B, units]`; kernel `[canonical k-mers, units]`, 2080 rows for k = 6.
    """

    # Counts in the hundreds: a small weight says much, and pulling it to zero loses it.
    undecayed = True

    def __init__(self, k: int, units: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        if not 2 <= k <= 8:
            raise ValueError(f"k must be between 2 and 8, got {k}")
        self.k = k
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.num_canonical = int(canonical_kmers(self.k).max()) + 1
        self.kernel = self.add_weight(
            (self.num_canonical, self.units), initializer="zeros", name="kernel"
        )

    def call(self, one_hot: Any) -> Any:
        left, right = self.k // 2, self.k - self.k // 2
        windows = one_hot.shape[1] - self.k + 1
        first = _products(one_hot[:, : windows + left - 1], left)
        second = _products(one_hot[:, left:], right)
        counts = ops.matmul(ops.transpose(first, (0, 2, 1)), second)
        kernel = ops.take(self.kernel, canonical_kmers(self.k), axis=0)
        return ops.matmul(ops.reshape(counts, (-1, 4**self.k)), kernel)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "units": self.units}


def canonical_kmers(k: int) -> np.ndarray:
    """Returns int32 `[4**k]`: the row of each k-mer (A=0 .. T=3, first base most significant).

    A k-mer and its reverse complement share a row; rows are numbered in the order of the smaller one.
    """
    ids = np.arange(4**k)
    digits = ids[:, None] // 4 ** np.arange(k) % 4
    opposite = (3 - digits) @ 4 ** np.arange(k - 1, -1, -1)
    return np.unique(np.minimum(ids, opposite), return_inverse=True)[1].astype(np.int32)


def _products(one_hot: Any, width: int) -> Any:
    """Returns `[B, L - width + 1, 4**width]`: at each position, which word of `width` bases is there."""
    length = one_hot.shape[1] - width + 1
    words = one_hot[:, :length]
    for offset in range(1, width):
        following = one_hot[:, offset : offset + length]
        words = words[..., :, None] * following[..., None, :]
        words = ops.reshape(words, (-1, length, 4 ** (offset + 1)))
    return words
