"""Whether splits share too much: then one line names them, a case of it, and the way out.

Shapes: `N` rows. What a row shares is a set of other splits, uint8, bit `i` for split `i`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS

_BLOCK = 1 << 14


@dataclass(frozen=True)
class Kind:
    """Something that rows of different splits may have in common.

    Attributes:
        rows: What a row is called.
        does: What the rows do.
        such_as: What a row is to the one of the other split.
        way_out: How to have none of it.
        flag: With the value 1 it allows all.
        strict_way_out: What else there is to do with `on_leak="error"`.
    """

    rows: str
    does: str
    such_as: str
    way_out: str
    flag: str = "leak_threshold"
    strict_way_out: str = "keep them with --on_leak=warn"


def shares(found: np.ndarray, split: np.ndarray) -> dict[str, tuple[int, int]]:
    """Returns of valid and test how many rows share something, and how many rows there are."""
    counts = {}
    for code in range(1, len(SPLITS)):
        is_here = split == code
        if total := np.count_nonzero(is_here):
            counts[SPLITS[code]] = np.count_nonzero(is_here & (found > 0)), total
    return counts


def check(
    kind: Kind,
    found: np.ndarray,
    split: np.ndarray,
    *,
    threshold: float | None,
    is_alike: Callable[[int, slice], np.ndarray],
    name_row: Callable[[int], str],
) -> None:
    """Raises if a larger share of valid or test than allowed is in another split.

    Args:
        kind: What is looked at.
        found: What every row shares, uint8; of rows that were made of others it may be left out.
        split: int8 `[N]`, positions in `SPLITS`.
        threshold: The share that is allowed; None: none, since `on_leak` is `error`.
        is_alike: Of a row and a range of rows, which of these have the kind in common with it.
        name_row: Names a row for the user.

    Raises:
        InputError: It is more.
    """
    own = split[: len(found)]
    for name, (count, total) in shares(found, own).items():
        if count <= (threshold or 0) * total:
            continue
        here = np.flatnonzero((own == SPLITS.index(name)) & (found > 0))
        counts = [np.count_nonzero(found[here] >> code & 1) for code in range(len(SPLITS))]
        other = int(np.argmax(counts))
        row = int(here[found[here] >> other & 1 > 0][0])
        partner = _partner(row, other, split, is_alike)
        limit, way_out = "", kind.strict_way_out
        if threshold is not None:
            limit, way_out = (
                f", more than --{kind.flag}={threshold:g}",
                f"allow it with --{kind.flag}=1",
            )
        listed = ", ".join(f"{SPLITS[code]} {counts[code]}" for code in np.flatnonzero(counts))
        raise InputError(
            f"{count} of {total} {kind.rows} of {name} ({count / total:.1%}) {kind.does} ({listed})"
            f"{limit}: {name_row(row)} {kind.such_as} {name_row(partner)} of {SPLITS[other]}, for "
            f"example; {kind.way_out}, or {way_out}"
        )


def _partner(
    row: int, other: int, split: np.ndarray, is_alike: Callable[[int, slice], np.ndarray]
) -> int:
    """Returns the first row of another split that has in common with a row what one has."""
    for start in range(0, len(split), _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = np.flatnonzero((split[block] == other) & is_alike(row, block))
        if rows.size:
            return start + int(rows[0])
    raise ValueError(f"row {row} shares nothing with {SPLITS[other]}")
