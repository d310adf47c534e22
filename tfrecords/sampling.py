"""Random numbers without state: keys of examples, and shuffles computed position by position.

Everything is a function of (seed, epoch, row), so that a batch does not depend on how many hosts,
threads or restarts there were. All hashing is on uint32 and wraps around;
`genokeras/layers/keyed_random.py` mixes with the same arithmetic on the device.
"""

import numpy as np

from tfrecords.errors import InputError

_GOLDEN = 0x9E3779B9
# What a hash is for: numbers drawn for two purposes from one seed are unrelated.
_EXAMPLES, _ORDER, _OFFSET = 1, 2, 3
_ROUNDS = 8


def hash32(x: np.ndarray | int) -> np.ndarray:
    """Mixes the bits of uint32 numbers; a bijection (constants: github.com/skeeto/hash-prospector).

    `x ^= x >> 16; x *= 0x21f0aaad; x ^= x >> 15; x *= 0xd35a2d97; x ^= x >> 15`
    """
    x = np.asarray(x).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x21F0AAAD)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0xD35A2D97)
    x ^= x >> np.uint32(15)
    return x


def fold_in(key: np.ndarray | int, salt: np.ndarray | int) -> np.ndarray:
    """Returns a new key, uint32, from a key and a number: `mix(key ^ mix(salt + 0x9e3779b9))`."""
    salt = np.asarray(salt).astype(np.uint32)
    salt += np.uint32(_GOLDEN)
    return hash32(np.asarray(key).astype(np.uint32) ^ hash32(salt))


def example_keys(rows: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
    """Returns the key of every example, uint32 like `rows`, for this epoch."""
    return fold_in(_stream(_EXAMPLES, seed, epoch), rows)


def share_size(fraction: float, size: int) -> int:
    """Returns how many of `size` examples a `fraction` of them is: at least one."""
    return max(1, round(fraction * size))


def coin(keys: np.ndarray, salt: int) -> np.ndarray:
    """Returns a fair coin, bool, for every key; coins of different salts are unrelated."""
    return fold_in(keys, salt) >= np.uint32(1 << 31)


def permute(positions: np.ndarray, size: int, *, seed: int, epoch: int) -> np.ndarray:
    """Returns the rows, int64, at these positions of a random order of `size` (up to 2^32) rows.

    A keyed Feistel network permutes the numbers of as many bits as `size` needs; a result of `size`
    or more is permuted again until it falls inside ("cycle walking", twice at most on average).
    No table of the order is kept: any position costs the same, and no memory.
    """
    keys = fold_in(_stream(_ORDER, seed, epoch), np.arange(_ROUNDS))
    bits = (size - 1).bit_length()
    rows = _feistel(np.asarray(positions).astype(np.uint32), bits, keys)
    outside = np.flatnonzero(rows >= size)
    while outside.size:
        again = _feistel(rows[outside], bits, keys)
        rows[outside] = again
        outside = outside[again >= size]
    return rows.astype(np.int64)


def permute_blocks(
    positions: np.ndarray, size: int, block: int, *, seed: int, epoch: int
) -> np.ndarray:
    """Returns the rows, int64, at these positions when runs of `block` rows stay together.

    The rows are cut into runs at a random place of their circle, so that the rows past the last
    whole run, which come last, are others in every epoch. With `block=1` this is `permute`.
    """
    if block == 1:
        return permute(positions, size, seed=seed, epoch=epoch)
    positions = np.asarray(positions, np.int64)
    whole = size // block
    rows = positions.copy()
    inside = positions < whole * block
    runs, offsets = np.divmod(positions[inside], block)
    rows[inside] = permute(runs, whole, seed=seed, epoch=epoch) * block + offsets
    return (rows + int(_stream(_OFFSET, seed, epoch)) % size) % size


def _feistel(numbers: np.ndarray, bits: int, keys: np.ndarray) -> np.ndarray:
    """Permutes numbers of `bits` bits: each half in turn is changed by a hash of the other."""
    right_bits = np.uint32(bits // 2)
    left_mask = np.uint32((1 << (bits - bits // 2)) - 1)
    right_mask = np.uint32((1 << (bits // 2)) - 1)
    left, right = numbers >> right_bits, numbers & right_mask
    for even, odd in keys.reshape(-1, 2):
        left ^= hash32(right ^ even) & left_mask
        right ^= hash32(left ^ odd) & right_mask
    return (left << right_bits) | right


def _stream(purpose: int, seed: int, epoch: int) -> np.ndarray:
    for name, value in (("seed", seed), ("epoch", epoch)):
        if not 0 <= value < 1 << 32:
            raise InputError(f"{name}={value}, expected a whole number from 0 to {(1 << 32) - 1}")
    return fold_in(fold_in(purpose, seed), epoch)
