"""A linear model of k-mer counts inside a network: strong for short windows, trained jointly."""

from typing import Any

import keras
from keras import ops

from tfrecords.sequence import canonical_kmers


@keras.saving.register_keras_serializable("genokeras")
class KmerLinear(keras.layers.Layer):
    """Weighted sum of the counts of all k-mers, a k-mer and its reverse complement being one.

    With `stranded` they are two, and what is on the opposite strand counts for nothing.

    A k-mer is where a product of k one-hot entries is one, so the counts are a matrix product of
    the words in the first and in the second half of all windows. That takes no look-up by sequence,
    and gives a gradient with respect to the one-hot matrix. Windows with zeros (padding, N) count
    for nothing. Weights start at zero.

    Shapes: `[B, L, 4] -> [B, units]`; kernel `[k-mers, units]`, 2080 rows for k = 6, 4096 with
    `stranded`.
    """

    # Counts in the hundreds: a small weight says much, and pulling it to zero loses it.
    undecayed = True

    def __init__(self, k: int, units: int = 1, stranded: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not 2 <= k <= 8:
            raise ValueError(f"k must be between 2 and 8, got {k}")
        self.k = k
        self.units = units
        self.stranded = stranded

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        num_rows = 4**self.k if self.stranded else len(canonical_kmers(self.k)[0])
        self.kernel = self.add_weight((num_rows, self.units), initializer="zeros", name="kernel")

    def call(self, one_hot: Any) -> Any:
        left, right = self.k // 2, self.k - self.k // 2
        windows = one_hot.shape[1] - self.k + 1
        first = _words(one_hot[:, : windows + left - 1], left)
        second = _words(one_hot[:, left:], right)
        counts = ops.matmul(ops.transpose(first, (0, 2, 1)), second)
        counts = ops.reshape(counts, (-1, 4**self.k))
        if self.stranded:
            return ops.matmul(counts, self.kernel)
        kmers, opposites = canonical_kmers(self.k)
        # A k-mer that is its own reverse complement must not be counted twice.
        twice = ops.cast(kmers != opposites, counts.dtype)
        collapsed = ops.take(counts, kmers, axis=1) + ops.take(counts, opposites, axis=1) * twice
        return ops.matmul(collapsed, self.kernel)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        own = {"k": self.k, "units": self.units, "stranded": self.stranded}
        return {**super().get_config(), **own}


def _words(one_hot: Any, width: int) -> Any:
    """Returns `[B, L - width + 1, 4**width]`: which word of `width` bases begins where."""
    length = one_hot.shape[1] - width + 1
    words = one_hot[:, :length]
    for offset in range(1, width):
        following = one_hot[:, offset : offset + length]
        words = words[..., :, None] * following[..., None, :]
        words = ops.reshape(words, (-1, length, 4 ** (offset + 1)))
    return words
