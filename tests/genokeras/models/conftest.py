"""Batches as the reader gives them, with a known answer."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tfrecords import sequence

MOTIF = "TGACTCA"


@pytest.fixture
def random_dna() -> Callable[..., np.ndarray]:
    """Makes packed sequences of random bases."""

    def make(count: int, length: int, seed: int = 0) -> np.ndarray:
        letters = np.random.default_rng(seed).choice(list("ACGT"), (count, length))
        return sequence.encode(["".join(row) for row in letters], length)

    return make


@pytest.fixture
def planted() -> Callable[..., dict[str, np.ndarray]]:
    """Makes batches of random DNA in which every other example holds a motif, on either strand."""

    def batch(size: int, length: int, seed: int = 0) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        rows = rng.choice(list("ACGT"), (size, length))
        targets = np.arange(size) % 2
        for row in np.flatnonzero(targets):
            at = rng.integers(length - len(MOTIF) + 1)
            rows[row, at : at + len(MOTIF)] = list(MOTIF)
        packed = sequence.encode(["".join(row) for row in rows], length)
        flipped = rng.random(size) < 0.5
        return {
            "sequence": sequence.reverse_complement(packed, length, flipped),
            "key": rng.integers(0, 2**32, size, dtype=np.uint32),
            "targets": targets[:, None].astype(np.float32),
            "weight": np.ones((size, 1), np.float32),
        }

    return batch


@pytest.fixture
def tensors() -> Callable[[dict[str, np.ndarray]], dict]:
    """Puts a batch on the device."""
    return lambda batch: {name: keras.ops.convert_to_tensor(x) for name, x in batch.items()}
