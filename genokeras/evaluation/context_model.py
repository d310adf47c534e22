"""What a base is, told by the bases right beside it: counts of k-mers, and nothing learnt.

The baseline of masked language models. The probability of a base given the `l` bases before and the
`r` bases behind it is its share among such places of the training split, drawn towards that of the
context one base smaller by `prior` places, and so on down to no context at all (interpolation as in
Bell, Cleary and Witten, Text Compression, 1990). Both strands are counted.

Shapes: `B` windows of `L` bp, bases 0 to 3 for A, C, G, T and -1 for all else, `[B, L]`.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from tfrecords import sequence

PRIORS = (16.0, 64.0, 256.0, 1024.0)


@dataclasses.dataclass(frozen=True)
class ContextModel:
    """Counts of the k-mers of every length up to a largest one.

    `counts[n]` is int64 `[4**n]`, in the order of `tfrecords.sequence.kmer_ids`. `behind=False`:
    the bases before a base alone tell it, as in a Markov chain.
    """

    counts: Sequence[np.ndarray]
    context_bp: int
    prior: float
    behind: bool = True

    def probabilities(self, bases: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Returns those of A, C, G, T, float64 `[M, 4]`, for the `M` places that are asked for.

        The context is what is there: it ends before the first base that is not known.

        Args:
            bases: What is known, `[B, L]`; what is not, or is not to be seen, is -1.
            asked: Bool `[B, L]`.
        """
        rows, places = np.nonzero(asked)
        width = self.context_bp
        padded = np.pad(bases, ((0, 0), (width, width)), constant_values=-1)
        near = places[:, None] + width + np.arange(1, width + 1) * np.array([[-1], [1]])[:, None]
        before, behind = padded[rows[:, None], near]
        num_before = np.cumprod(before >= 0, axis=1).sum(axis=1)
        num_behind = np.cumprod(behind >= 0, axis=1).sum(axis=1) * self.behind
        found = np.empty((len(rows), 4))
        for left, right in np.unique(np.stack([num_before, num_behind], axis=1), axis=0):
            chosen = (num_before == left) & (num_behind == right)
            found[chosen] = self._given(before[chosen, :left], behind[chosen, :right])
        return found

    def _given(self, before: np.ndarray, behind: np.ndarray) -> np.ndarray:
        """Returns probabilities `[M, 4]`, given the bases of a context, the nearest one first."""
        found = np.ones((len(before), 4)) / 4
        # From no context to all of it: one base more in turn before and behind.
        for size in range(before.shape[1] + behind.shape[1] + 1):
            left = min(before.shape[1], max(size - behind.shape[1], (size + 1) // 2))
            right = size - left
            first = np.zeros(len(before), np.int64)
            for column in range(left):
                first += before[:, column] * 4 ** (column + 1 + right)
            last = np.zeros(len(before), np.int64)
            for column in range(right):
                last += behind[:, column] * 4 ** (right - 1 - column)
            ids = (first + last)[:, None] + np.arange(4) * 4**right
            seen = self.counts[size + 1][ids]
            total = seen.sum(axis=1, keepdims=True)
            found = (seen + self.prior * found) / (total + self.prior)
        return found


def count_kmers(windows: Iterable[np.ndarray], length: int, most: int) -> list[np.ndarray]:
    """Returns how often each k-mer is there on either strand, `[4**n]` for every `n` up to `most`.

    Args:
        windows: Packed DNA, uint8 `[N, ceil(length / 2)]` each.
        length: Of the windows, in bp.
        most: Longest k-mers.
    """
    counts = [np.zeros(4**n, np.int64) for n in range(most + 1)]
    for packed in windows:
        for n in range(1, most + 1):
            ids = sequence.kmer_ids(packed, length, n)
            counts[n] += np.bincount(ids[ids >= 0], minlength=4**n)
    return [found + _of_opposite_strand(found, n) for n, found in enumerate(counts)]


def _of_opposite_strand(counts: np.ndarray, n: int) -> np.ndarray:
    """Returns the counts of the reverse complements of all `n`-mers."""
    # One axis per base: read backwards, and A, C, G, T becomes T, G, C, A on each.
    by_base = counts.reshape((4,) * n)
    return np.flip(by_base.transpose(range(n)[::-1])).reshape(-1)
