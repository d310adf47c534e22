"""DNA as k-mers: tokens of 1 to 8 bases, from every base on or side by side.

A token is the number of its k-mer in base 4 (A, C, G, T = 0 to 3), 0 to `4**k - 1`. Two more are
special: `mask_token`, of which a base is not known, and `padding_token`, where there is no DNA.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

MAX_K = 8


def num_tokens(k: int) -> int:
    """Returns the size of the vocabulary: all k-mers and two special tokens."""
    return 4**k + 2


def mask_token(k: int) -> int:
    """Returns the token of which a base is hidden or ambiguous."""
    return 4**k


def padding_token(k: int) -> int:
    """Returns the token without any DNA."""
    return 4**k + 1


def opposites(k: int) -> np.ndarray:
    """Returns the token of the reverse complement of each, int32 `[num_tokens]`.

    Special tokens are their own. Of tokens of a window, those of its reverse complement are the
    opposites, backwards.
    """
    kmers, opposite = np.arange(4**k), np.zeros(4**k, np.int64)
    for place in range(k):
        opposite += (3 - (kmers >> 2 * place & 3)) << 2 * (k - 1 - place)
    return np.concatenate([opposite, [mask_token(k), padding_token(k)]]).astype(np.int32)


@keras.saving.register_keras_serializable("genokeras")
class KmerTokens(keras.layers.Layer):
    """One-hot DNA to tokens: those that begin at every base (`overlapping`), or every k bases.

    Shapes: `[B, L, 4]`, mask bool `[B, L] -> (int32 [B, P], bool [B, P])`, P = L - k + 1, or L / k;
    the mask is true where there is DNA.
    """

    def __init__(self, k: int, overlapping: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        if not 1 <= k <= MAX_K:
            raise ValueError(f"k must be between 1 and {MAX_K}, got {k}")
        self.k = k
        self.overlapping = overlapping

    def call(self, one_hot: Any, padding_mask: Any) -> tuple[Any, Any]:
        self._check(one_hot.shape[1])
        digits = ops.cast(ops.argmax(one_hot, axis=-1), "int32")
        known = ops.equal(ops.max(one_hot, axis=-1), 1)
        tokens = is_known = is_dna = None
        for place in range(self.k):
            here = [self._begin_at(place, x) for x in (digits, known, padding_mask)]
            if place == 0:
                tokens, is_known, is_dna = here
                continue
            tokens = 4 * tokens + here[0]
            is_known, is_dna = ops.logical_and(is_known, here[1]), ops.logical_or(is_dna, here[2])
        tokens = ops.where(is_known, tokens, mask_token(self.k))
        return ops.where(is_dna, tokens, padding_token(self.k)), is_dna

    def _begin_at(self, place: int, x: Any) -> Any:
        if self.overlapping:
            return x[:, place : x.shape[1] - self.k + 1 + place]
        return ops.reshape(x, (-1, x.shape[1] // self.k, self.k))[:, :, place]

    def _check(self, length: int) -> None:
        if length < self.k or (length % self.k and not self.overlapping):
            raise ValueError(f"windows of {length} bp are not whole tokens of {self.k}")

    def compute_output_spec(self, one_hot: Any, padding_mask: Any) -> tuple[Any, Any]:
        length = one_hot.shape[1]
        self._check(length)
        positions = length - self.k + 1 if self.overlapping else length // self.k
        shape = (one_hot.shape[0], positions)
        return keras.KerasTensor(shape, dtype="int32"), keras.KerasTensor(shape, dtype="bool")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "overlapping": self.overlapping}


@keras.saving.register_keras_serializable("genokeras")
class BasesOfTokens(keras.layers.Layer):
    """What tokens say of each of their k bases, to one answer per base.

    Of overlapping tokens a base takes the answer of the token in whose middle it is, of an even k
    the mean of both of these, at the ends of the window that of the first or the last one. Shapes:
    `[B, P, k * C] -> [B, L, C]`.
    """

    def __init__(self, k: int, overlapping: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.k = k
        self.overlapping = overlapping

    def call(self, x: Any) -> Any:
        positions, channels = x.shape[1], x.shape[2] // self.k
        if self.k == 1:
            return x
        if not self.overlapping:
            return ops.reshape(x, (-1, positions * self.k, channels))
        answers = ops.reshape(x, (-1, positions, self.k, channels))
        left, right = (self._of_place(answers, place) for place in ((self.k - 1) // 2, self.k // 2))
        return left if self.k % 2 else (left + right) / 2

    def _of_place(self, answers: Any, place: int) -> Any:
        """Returns the answers of tokens to the base at this place in them, and of the ends."""
        parts = [answers[:, 0, :place], answers[:, :, place], answers[:, -1, place + 1 :]]
        return ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, positions, channels = input_shape
        bases = positions + self.k - 1 if self.overlapping else positions * self.k
        return batch, bases, channels // self.k

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "overlapping": self.overlapping}
