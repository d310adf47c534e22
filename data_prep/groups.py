"""Groups of rows: numbered, and joined where they hold copies of one sequence.

Shapes: `N` rows in `G` groups.
"""

from collections.abc import Iterator

import numpy as np

from data_prep.scratch import Column
from data_prep.sequence_keys import find_copies, mix

_BLOCK = 1 << 18
_MAX_RANGES = 64


def number_groups(groups: Column | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of each row's group, int32 `[N]`, and what stands for each group, `[G]`.

    However few and large the groups are, little more is in memory than is returned.

    Args:
        groups: Integers `[N]`, the same for the rows of a group.
    """
    numbers, found, count = np.empty(len(groups), np.int32), [groups[:0]], 0
    bits = (min(_MAX_RANGES, -(-len(groups) // _BLOCK)) - 1).bit_length() if len(groups) else 0
    for prefix in range(1 << bits):
        distinct = [np.unique(values) for _, values in _of_range(groups, prefix, bits)]
        known = np.unique(np.concatenate([groups[:0], *distinct]))
        for rows, values in _of_range(groups, prefix, bits):
            numbers[rows] = count + np.searchsorted(known, values)
        found.append(known)
        count += len(known)
    return numbers, np.concatenate(found)


def join_copies(numbers: np.ndarray, count: int, keys: Column) -> np.ndarray:
    """Returns for each of `count` groups the first of those that it is joined with, int32 `[G]`.

    Two groups are joined if they hold copies of one sequence, or if a chain of such groups leads
    from one to the other.

    Args:
        numbers: Of the group of every row, `[N]`.
        count: Of the groups.
        keys: Equal for copies on either strand (`sequence_keys`), uint64 `[N]`.
    """
    parent = np.arange(count, dtype=np.int32)
    for copies in find_copies(keys):
        found = numbers[copies.rows]
        first = np.repeat(found[copies.starts], copies.sizes)
        while True:
            first, found = _roots(parent, first), _roots(parent, found)
            is_apart = first != found
            if not is_apart.any():
                break
            first, found = first[is_apart], found[is_apart]
            np.minimum.at(parent, np.maximum(first, found), np.minimum(first, found))
    for start in range(0, count, _BLOCK):
        _roots(parent, np.arange(start, min(count, start + _BLOCK)))
    return parent


def _roots(parent: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Follows the chains of joined groups to their first ones, and makes them shorter."""
    roots = parent[groups]
    while ((further := parent[roots]) != roots).any():
        roots = further
    parent[groups] = roots
    return roots


def _of_range(
    groups: Column | np.ndarray, prefix: int, bits: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields rows and groups of one range of the groups, block by block."""
    for start in range(0, len(groups), _BLOCK):
        values = groups[start : start + _BLOCK]
        if not bits:
            yield np.arange(start, start + len(values)), values
            continue
        # Mixed, since groups may be small numbers.
        rows = np.flatnonzero(mix(values.astype(np.uint64)) >> np.uint64(64 - bits) == prefix)
        yield start + rows, values[rows]
