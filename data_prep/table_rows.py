"""Rows of a table as columns of text, a batch at a time.

Blocks of plain rows are cut at once; a table with quotes goes through the standard csv module, row
by row, and so does a block in which not all rows have the same number of cells.

Shapes: `N` rows, `C` columns.
"""

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from data_prep.text_file import TextFile
from tfrecords.errors import InputError

# The csv module's own limit, 131072 letters, is less than a long window; a quote that is never
# closed is still found before it swallows a file.
_MAX_CELL = 1 << 24


@dataclass(frozen=True)
class TableRows:
    """Consecutive rows: `C` columns of `N` cells, and the line that a row (0 to N-1) starts on."""

    columns: list[list[str]]
    line: Callable[[int], int]


def split_line(line: str, separator: str) -> list[str]:
    """Returns the cells of one line of a table, without blanks around them."""
    return [cell.strip() for cell in next(_csv_rows([line], separator, strict=False), [])]


def read_table(text: TextFile, separator: str, num_columns: int, size: int) -> Iterator[TableRows]:
    """Yields the rows under the header line, at most `size` at a time; blank lines are no rows.

    Raises:
        InputError: A row with more or fewer cells than the header, or a quote in a wrong place.
    """
    blocks = text.blocks()
    first_line = 1
    for block in blocks:
        if '"' in block:
            lines = (line for rest in itertools.chain([block], blocks) for line in _lines(rest))
            yield from _parsed(lines, text, separator, num_columns, size, first_line)
            return
        num_rows = block.count("\n") + (not block.endswith("\n"))
        columns = _cut(block, separator, num_columns, num_rows)
        if columns is None:
            yield from _parsed(_lines(block), text, separator, num_columns, size, first_line)
        else:
            is_header = first_line == 1
            for start in range(is_header, num_rows, size):
                lines = range(first_line + start, first_line + num_rows)
                batch = [column[start : start + size] for column in columns]
                yield TableRows(batch, lines.__getitem__)
        first_line += num_rows


def _cut(block: str, separator: str, num_columns: int, num_rows: int) -> list[list[str]] | None:
    """Returns the columns of a block; None if not all rows have `num_columns` cells."""
    # With every line end as a cell of its own, a short row beside a long one does not pass.
    cells = block.removesuffix("\n").replace("\n", f"{separator}\n{separator}").split(separator)
    width = num_columns + 1
    if len(cells) != num_rows * width - 1 or cells[num_columns::width] != ["\n"] * (num_rows - 1):
        return None
    if num_columns == 1 and "" in cells:
        return None  # A blank line, which looks like an empty cell.
    return [cells[column::width] for column in range(num_columns)]


def _parsed(
    lines: Iterable[str],
    text: TextFile,
    separator: str,
    num_columns: int,
    size: int,
    first_line: int,
) -> Iterator[TableRows]:
    """Yields the rows of these lines, of which the first is line `first_line` of the file."""
    reader = _csv_rows(lines, separator)
    try:
        if first_line == 1:
            next(reader)
        while True:
            numbered = [
                (first_line + reader.line_num - _extra_lines(row) - 1, row)
                for row in itertools.islice(reader, size)
            ]
            if not numbered:
                return
            numbered = [(line, row) for line, row in numbered if not _is_blank(row, num_columns)]
            for line, row in numbered:
                if len(row) != num_columns:
                    raise InputError(
                        f"{text.path}:{line}: {len(row)} cells, but the header names {num_columns}"
                    )
            if numbered:
                numbers, rows = zip(*numbered, strict=True)
                yield TableRows(
                    [list(column) for column in zip(*rows, strict=True)], numbers.__getitem__
                )
    except csv.Error as error:
        line = first_line + reader.line_num - 1
        raise InputError(f"{text.path}:{line}: {error}") from None


def _is_blank(row: list[str], num_columns: int) -> bool:
    """Whether a line holds nothing but blanks, too few for a row of empty cells."""
    return len(row) < num_columns and not "".join(row).strip()


def _extra_lines(row: list[str]) -> int:
    """Returns how many line ends there are inside quoted cells."""
    return sum(cell.count("\n") for cell in row)


def _lines(block: str) -> list[str]:
    return block.removesuffix("\n").split("\n")


def _csv_rows(lines: Iterable[str], separator: str, *, strict: bool = True):
    csv.field_size_limit(_MAX_CELL)
    return csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=strict)
