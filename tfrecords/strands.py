"""Turning examples to the opposite strand: the DNA together with everything that was measured."""

from collections.abc import Sequence

import numpy as np

from tfrecords import sequence
from tfrecords.schema import Schema

PER_TASK = ("targets", "weight")


def turn(
    columns: dict[str, np.ndarray],
    rows: np.ndarray,
    schema: Schema,
    strand_pairs: Sequence[int] | None,
) -> None:
    """Turns the examples at `rows`, in place, to the opposite strand.

    DNA fields are reverse-complemented. `targets` and `weight` swap the tasks of `strand_pairs`
    (last axis), and, where they are tracks `[positions, T]`, run backwards along the positions.
    `strand` (1, -1, or 0 if it has none) changes its sign, and `repeat`, a bit for every base, runs
    backwards.
    """
    for name, values in columns.items():
        if name in schema and schema[name].bases is not None:
            chosen = values.take(rows, axis=0)
            values[rows] = sequence.reverse_complement(chosen, schema[name].bases)
        elif name in PER_TASK:
            values[rows] = _turn_targets(values[rows], strand_pairs)
        elif name == "strand":
            values[rows] = -values[rows]
        elif name == "repeat":
            bits = np.unpackbits(values[rows], axis=1, count=schema["sequence"].bases)
            values[rows] = np.packbits(bits[:, ::-1], axis=1)


def has_dna(schema: Schema) -> bool:
    """Whether there is anything to turn."""
    return any(feature.bases is not None for feature in schema.features)


def _turn_targets(values: np.ndarray, strand_pairs: Sequence[int] | None) -> np.ndarray:
    if values.ndim > 2:
        values = values[:, ::-1]
    return values if strand_pairs is None else values[..., list(strand_pairs)]
