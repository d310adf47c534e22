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
_ROWS_AT_ONCE = 1 << 18
_MAX_RANGES = 64


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


def window_keys(
    packed: np.ndarray, length: int, shift_bp: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `sequence_keys` of what is left of sequences without `shift_bp` bases at each end."""
    window = length - 2 * shift_bp
    return sequence_keys(sequence.crop(packed, length, shift_bp, window), window)


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
    """Yields all rows whose key is not unique, one range of keys after the other.

    Only the rows of a range are in memory: about `rows_at_once`, or a 64th of all if that is more.
    """
    ranges = min(_MAX_RANGES, -(-len(keys) // rows_at_once))
    bits = max(0, ranges - 1).bit_length()
    for prefix in range(1 << bits):
        rows = _rows_with_prefix(keys, prefix, bits, rows_at_once)
        found = keys[rows] if bits else keys[:]
        order = np.argsort(found)
        rows, found = rows[order], found[order]
        starts = np.flatnonzero(np.append(True, found[1:] != found[:-1])[: len(found)])
        sizes = np.diff(starts, append=len(found))
        is_copied = np.repeat(sizes > 1, sizes)
        if is_copied.any():
            # Rows of one key are not yet in order; sorting the few that are copies is cheap.
            rows, found = rows[is_copied], found[is_copied]
            sizes = sizes[sizes > 1]
            yield Copies(rows[np.lexsort((rows, found))], np.cumsum(sizes) - sizes)


def _rows_with_prefix(keys: np.ndarray, prefix: int, bits: int, block: int) -> np.ndarray:
    if bits == 0:
        return np.arange(len(keys))
    found = [
        start + np.flatnonzero(keys[start : start + block] >> np.uint64(64 - bits) == prefix)
        for start in range(0, len(keys), block)
    ]
    return np.concatenate(found)
