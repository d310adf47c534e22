"""Turning examples to the opposite strand: the DNA together with everything that was measured."""

from collections.abc import Sequence

import numpy as np

from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.schema import Schema

PER_TASK = ("targets", "weight")


def turn(
    columns: dict[str, np.ndarray],
    rows: np.ndarray,
    schema: Schema,
    strand_pairs: Sequence[int] | None,
    cut_sites: Sequence[int] = (),
) -> None:
    """Turns the examples at `rows`, in place, to the opposite strand.

    DNA fields are reverse-complemented. `targets` and `weight` swap the tasks of `strand_pairs`
    (last axis), and, where they are tracks `[positions, T]`, run backwards along the positions.
    `strand` (1, -1, or 0 if it has none) changes its sign, and `repeat`, a bit for every base, runs
    backwards.

    The tasks of `cut_sites` count cuts between two bases at the one behind the cut. From the other
    end that is its neighbour, so their tracks move by one base: of `L` positions the one that was
    at `j` comes to `L - j`, and the first is missing, NaN (as in AlphaGenome,
    doi:10.1101/2025.06.25.661532).
    """
    for name, values in columns.items():
        if name in schema and schema[name].bases is not None:
            chosen = values.take(rows, axis=0)
            values[rows] = sequence.reverse_complement(chosen, schema[name].bases)
        elif name in PER_TASK:
            values[rows] = turn_targets(values[rows], strand_pairs, cut_sites)
        elif name == "strand":
            values[rows] = -values[rows]
        elif name == "repeat":
            bits = np.unpackbits(values[rows], axis=1, count=schema["sequence"].bases)
            values[rows] = np.packbits(bits[:, ::-1], axis=1)


def has_dna(schema: Schema) -> bool:
    """Whether there is anything to turn."""
    return any(feature.bases is not None for feature in schema.features)


def check_cut_sites(
    cut_sites: Sequence[int], num_tasks: int, bin_bp: int, strand_pairs: Sequence[int] | None
) -> None:
    """Raises an InputError unless these are tasks, in order, whose tracks can move by one base."""
    if list(cut_sites) != sorted(set(cut_sites) & set(range(num_tasks))):
        raise InputError(
            f"cut_sites {list(cut_sites)}, expected numbers of the {num_tasks} tasks, in order"
        )
    if cut_sites and bin_bp != 1:
        raise InputError(
            f"cut sites need bin_bp 1, not {bin_bp}: on the opposite strand they move by one base, "
            "which bins of more cannot show; leave cut_sites out"
        )
    partners = {(strand_pairs or range(num_tasks))[task] for task in cut_sites}
    if partners != set(cut_sites):
        raise InputError(
            f"cut_sites {list(cut_sites)} without their partners on the other strand, "
            f"{sorted(partners - set(cut_sites))}"
        )


def turn_targets(
    values: np.ndarray, strand_pairs: Sequence[int] | None, cut_sites: Sequence[int]
) -> np.ndarray:
    """Returns targets `[N, T]` or tracks `[N, positions, T]` on the opposite strand; see `turn`."""
    if values.ndim > 2:
        values = values[:, ::-1]
    if strand_pairs is not None:
        values = values[..., list(strand_pairs)]
    if values.ndim > 2 and cut_sites:
        cuts = list(cut_sites)
        values = values.copy()
        values[:, 1:, cuts] = values[:, :-1, cuts]
        values[:, 0, cuts] = np.nan
    return values
