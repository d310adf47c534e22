"""A number for every sequence that is the same on both strands, to find the copies of a sequence.

Keys are 64-bit hashes: among ten million different sequences the chance that any two share one is
about three in a million.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfrecords import sequence

# The finaliser of SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195), a bijection.
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_GOLDEN = 0x9E3779B97F4A7C15
_ROWS_AT_ONCE = 1 << 20


def mix(numbers: np.ndarray) -> np.ndarray:
    """Returns uint64 numbers with their bits mixed; all arithmetic wraps around."""
    numbers = numbers ^ (numbers >> np.uint64(30))
    numbers *= np.uint64(_MULTIPLIERS[0])
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(_MULTIPLIERS[1])
    return numbers ^ (numbers >> np.uint64(31))


def sequence_keys(packed: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keys of packed sequences, and which of them are on the other strand.

    Returns:
        uint64 `[N]`, equal for a sequence and its reverse complement; bool `[N]`, true for the one
        of the two that sorts last. A sequence that is its own reverse complement is false.
    """
    canonical = sequence.canonical(packed, length)
    is_reverse = (canonical != packed).any(axis=1)
    num_words = -(-packed.shape[1] // 8)
    padded = np.zeros((len(packed), num_words * 8), np.uint8)
    padded[:, : packed.shape[1]] = canonical
    keys = np.full(len(packed), length, np.uint64)
    for word in padded.view("<u8").T:
        keys = mix((keys ^ word) + np.uint64(_GOLDEN))
    return keys, is_reverse


@dataclass(frozen=True)
class Copies:
    """Rows of sequences that occur more than once.

    Attributes:
        rows: int64 `[R]`, those of one sequence side by side and ascending.
        starts: int64 `[G]`, where in `rows` each of the `G` sequences begins.
    """

    rows: np.ndarray
    starts: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """How often each sequence occurs, int64 `[G]`."""
        return np.diff(self.starts, append=len(self.rows))


def find_copies(keys: np.ndarray, rows_at_once: int = _ROWS_AT_ONCE) -> Iterator[Copies]:
    """Yields all rows whose key is not unique, a range of keys at a time.

    Only about `rows_at_once` rows are in memory: those whose keys begin with the same bits.
    """
    bits = max(0, (len(keys) - 1) // rows_at_once).bit_length()
    for prefix in range(1 << bits):
        rows = _rows_with_prefix(keys, prefix, bits, rows_at_once)
        found = keys[rows]
        order = np.argsort(found, kind="stable")
        rows, found = rows[order], found[order]
        is_first = np.append(True, found[1:] != found[:-1])[: len(found)]
        sizes = np.diff(np.flatnonzero(is_first), append=len(found))
        is_copied = np.repeat(sizes > 1, sizes)
        if is_copied.any():
            yield Copies(rows[is_copied], np.flatnonzero(is_first[is_copied]))


def _rows_with_prefix(keys: np.ndarray, prefix: int, bits: int, block: int) -> np.ndarray:
    if bits == 0:
        return np.arange(len(keys))
    found = [
        start + np.flatnonzero(keys[start : start + block] >> np.uint64(64 - bits) == prefix)
        for start in range(0, len(keys), block)
    ]
    return np.concatenate(found)
