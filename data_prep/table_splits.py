"""Cells of a table that say where a row belongs: its split, its chromosome, its group.

Shapes: `N` rows.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from data_prep.source import split_code
from data_prep.text_rows import TextRows
from tfrecords.errors import InputError, check_known
from tfrecords.manifest import SPLITS


class ChromSplits:
    """The split of a row by the chromosome that a cell names; those not asked for are training.

    Args:
        column: The column of chromosomes, for error messages.
        chroms: The chromosomes of valid and of test, by split.
    """

    def __init__(self, column: str, chroms: Mapping[str, Sequence[str]]):
        self._column = column
        twice = set(chroms.get("valid", ())) & set(chroms.get("test", ()))
        if twice:
            raise InputError(f"{min(twice)} is in --valid_chroms and in --test_chroms")
        self._codes = {name: SPLITS.index(split) for split in chroms for name in chroms[split]}
        self._seen: dict[str, None] = {}

    def __call__(self, cell: str) -> int:
        """Returns the position in `SPLITS` for a chromosome."""
        name = cell.strip()
        if not name:
            raise InputError("empty, expected the name of a chromosome")
        self._seen[name] = None
        return self._codes.get(name, SPLITS.index("train"))

    def check_all_seen(self) -> None:
        """Raises an InputError if no row was on a chromosome that was asked for."""
        for name, code in self._codes.items():
            what = f"--{SPLITS[code]}_chroms={name}: column {self._column!r} has no chromosome"
            check_known(what, name, self._seen, "Chromosomes")


def parse_splits(
    cells: Sequence[str], column: str, rows: TextRows, code_of: Callable[[str], int] = split_code
) -> np.ndarray:
    """Returns the split of every row, int8 `[N]`, from what the cells of a column say.

    Args:
        cells: One for each row.
        column: Name of the column.
        rows: The rows, for their place in error messages.
        code_of: Reads a cell; the default reads the name of a split.

    Raises:
        InputError: A cell cannot be read.
    """
    codes = {}
    for cell in dict.fromkeys(cells):
        try:
            codes[cell] = code_of(cell)
        except InputError as error:
            where = rows.where(cells.index(cell))
            raise InputError(f"{where}: column {column!r}: {error}") from None
    return np.array([codes[cell] for cell in cells], np.int8)


def parse_groups(cells: Sequence[str], column: str, rows: TextRows) -> np.ndarray:
    """Returns a hash of the text of every cell, uint64 `[N]`.

    Raises:
        InputError: A cell is empty.
    """
    numbers = {}
    for cell in dict.fromkeys(cells):
        if not (text := cell.strip()):
            raise InputError(
                f"{rows.where(cells.index(cell))}: column {column!r} is empty, expected the group "
                "of the row; give a row that belongs to nothing a name of its own"
            )
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        numbers[cell] = int.from_bytes(digest, "little")
    return np.array([numbers[cell] for cell in cells], np.uint64)
