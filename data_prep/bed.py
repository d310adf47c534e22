"""BED files of 3 to 12 columns, narrowPeak and broadPeak, plain or compressed -> intervals.

Lines that begin with `#` or the word `track` or `browser` are skipped, and so are blank ones. The
first row says how all are taken apart: at tabs if it has any, else at spaces. Read are chromosome,
start, end, the strand in column 6, and the summit in column 10 of narrowPeak: a file that is named
so, or of 10 columns with numbers in columns 7 to 9; the others are as they may be. A block of lines
at a time is taken apart in NumPy.

Shapes: `N` rows of a block or file, `C` columns.
"""

import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from data_prep import intervals
from data_prep.intervals import Intervals
from data_prep.text_file import TextFile
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

# It begins with the end of the line before, which is found fast.
_SKIPPED = re.compile(r"\n[ \t]*(?:#[^\n]*|(?i:track|browser)(?:[ \t][^\n]*)?)?(?=\n)")
_NUMBER = re.compile(r"(?i:[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?|inf))")
_TAB, _LINE_END = b"\t\n"
_NAME, _START, _END, _STRAND, _SUMMIT = 0, 1, 2, 5, 9
_NARROW_PEAK_COLUMNS, _MOST_COLUMNS = 10, 12
_SCORES = slice(6, 9)  # Of narrowPeak: signal, p and q value.
_STRAND_OF_LETTER = {"+": 1, "-": -1, ".": 0}
_MAX_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Bed:
    """The rows of a BED file, in its order.

    Attributes:
        path: The file.
        sha256: Of the file.
        names: The chromosomes as the file names them, in the order in which they first occur.
        intervals: The rows; `chrom_id` is a position in `names`.
        lines: The line of each row, from 1 on, int64 `[N]`.
    """

    path: pathlib.Path
    sha256: str
    names: tuple[str, ...]
    intervals: Intervals
    lines: np.ndarray

    @property
    def ends(self) -> dict[str, int]:
        """The largest end on each chromosome, by its name in the file."""
        largest = np.zeros(len(self.names), np.int64)
        np.maximum.at(largest, self.intervals.chrom_id, self.intervals.end)
        return dict(zip(self.names, largest.tolist(), strict=True))

    def placed(self, chroms: Sequence[Chrom], chrom_ids: Mapping[str, int]) -> Intervals:
        """Returns the rows with the `chrom_id` of a genome.

        Args:
            chroms: The chromosomes of the genome.
            chrom_ids: The position in `chroms` of each name in the file.

        Raises:
            InputError: A row that ends past its chromosome.
        """
        chrom_id = np.array([chrom_ids[name] for name in self.names])[self.intervals.chrom_id]
        past = self.intervals.end > np.array([chrom.length for chrom in chroms])[chrom_id]
        if past.any():
            row = past.argmax()
            chrom = chroms[chrom_id[row]]
            raise InputError(
                f"{self.path}:{self.lines[row]}: {self._shown(row)} ends past its chromosome: "
                f"{chrom.name} has {chrom.length} bp; was this file made for another genome?"
            )
        return replace(self.intervals, chrom_id=chrom_id)

    def _shown(self, row: int) -> str:
        found = self.intervals
        return f"{self.names[found.chrom_id[row]]} {found.start[row]} {found.end[row]}"


def read_bed(path: str | os.PathLike) -> Bed:
    """Reads all rows of a BED, narrowPeak or broadPeak file.

    Raises:
        InputError: A row of fewer than 3 or more than 12 columns, or of another number than those
            before, a start or end that is no whole number from 0, an end that is not after the
            start, a strand other than + - and ., a summit outside its row, or no rows at all.
    """
    text = TextFile(path)
    ids: dict[str, int] = {}
    parts, lines = [], []
    layout, num_lines = None, 0
    for block in text.blocks():
        block = block if block.endswith("\n") else f"{block}\n"
        block = _SKIPPED.sub("\n", f"\n{block}")[1:]
        if layout is None and (row := re.search(r"[^\n]+", block)):
            layout = _layout(text.path, row[0])
        if layout is not None and not block.isspace():
            rows = _Rows(text.path, block, num_lines, layout)
            rows.check_columns()
            parts.append(rows.intervals(ids))
            lines.append(rows.lines)
        num_lines += block.count("\n")
    if not parts:
        raise InputError(f"{text.path} has no intervals")
    found = intervals.concatenate(parts)
    return Bed(text.path, text.sha256, tuple(ids), found, np.concatenate(lines))


@dataclass(frozen=True)
class _Layout:
    """How the rows of a file are taken apart, as its first row says."""

    separator: str
    num_columns: int
    has_summits: bool


def _layout(path: pathlib.Path, row: str) -> _Layout:
    separator = "tabs" if "\t" in row else "spaces"
    cells = row.split("\t") if separator == "tabs" else re.split(" +", row)
    is_like_narrow_peak = len(cells) == _NARROW_PEAK_COLUMNS and all(
        map(_NUMBER.fullmatch, cells[_SCORES])
    )
    return _Layout(separator, len(cells), _is_narrow_peak(path) or is_like_narrow_peak)


def _is_narrow_peak(path: pathlib.Path) -> bool:
    return ".narrowpeak" in path.name.lower()


class _Rows:
    """The rows in a block of lines: where each of their cells is in the text."""

    def __init__(self, path: pathlib.Path, block: str, lines_before: int, layout: _Layout):
        self._path, self._layout = path, layout
        if layout.separator == "spaces":
            block = re.sub("[ \t]+", "\t", block)
        # Looking for two letters in an empty cell at the very end goes past it.
        self._text = np.frombuffer(block.encode() + bytes(1), np.uint8)
        ends = np.flatnonzero(self._text == _LINE_END)
        begins = np.append(0, ends[:-1] + 1)
        is_row = begins < ends
        self._begins, self._ends = begins[is_row], ends[is_row]
        self.lines = lines_before + 1 + np.flatnonzero(is_row)
        self._tabs = np.flatnonzero(self._text == _TAB)
        self._first_tab = np.searchsorted(self._tabs, self._begins)
        self._num_columns = np.searchsorted(self._tabs, self._ends) - self._first_tab + 1

    def check_columns(self) -> None:
        """Raises an InputError unless all rows have as many columns as the first, 3 to 12."""
        expected = self._layout.num_columns
        if (wrong := self._num_columns != expected).any():
            row = wrong.argmax()
            raise InputError(
                f"{self._where(row)}: {self._num_columns[row]} columns, the rows before have "
                f"{expected}; columns are separated by {self._layout.separator}"
            )
        least, most, wanted = _END + 1, _MOST_COLUMNS, "3 to 12"
        if _is_narrow_peak(self._path):
            least = most = _NARROW_PEAK_COLUMNS
            wanted = f"the {least} of a narrowPeak file"
        if not least <= expected <= most:
            raise InputError(
                f"{self._where(0)}: {expected} columns, expected {wanted}, with tabs between "
                "them: chromosome, start, end, and so on"
            )

    def intervals(self, ids: dict[str, int]) -> Intervals:
        """Returns the rows; names that are not in `ids` yet get the next numbers."""
        start, is_start = self._numbers(_START)
        end, is_end = self._numbers(_END)
        strand, is_strand = self._strands()
        summit, is_summit = self._summits(start, end)
        is_named = self._cells(_NAME)[0] < self._cells(_NAME)[1]
        is_good = is_named & is_start & is_end & (start < end) & is_strand & is_summit
        if not is_good.all():
            self._raise_mistake(is_good.argmin())
        return Intervals(self._chrom_ids(ids), start, end, strand, summit)

    def _cells(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns where the cells of a column begin and end in the text, two int64 `[N]`."""
        is_last = column == self._layout.num_columns - 1
        begins = self._tabs[self._first_tab + column - 1] + 1 if column else self._begins
        return begins, self._ends if is_last else self._tabs[self._first_tab + column]

    def _numbers(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the whole numbers in a column, int64 `[N]`, and where there is one."""
        begins, ends = self._cells(column)
        width = ends - begins
        place = np.arange(min(width.max(), _MAX_DIGITS))
        is_inside = place < width[:, None]
        digits = self._text[np.maximum(ends[:, None] - 1 - place, 0)] - np.uint8(ord("0"))
        is_number = (width > 0) & (width <= _MAX_DIGITS) & ((digits <= 9) | ~is_inside).all(axis=1)
        return np.where(is_inside, digits, 0) @ 10**place, is_number

    def _strands(self) -> tuple[np.ndarray, np.ndarray]:
        count = len(self.lines)
        strand = np.zeros(count, np.int8)
        if self._layout.num_columns <= _STRAND:
            return strand, np.ones(count, bool)
        begins, ends = self._cells(_STRAND)
        letters, is_known = self._text[begins], np.zeros(count, bool)
        for letter, code in _STRAND_OF_LETTER.items():
            strand[letters == ord(letter)] = code
            is_known |= letters == ord(letter)
        return strand, is_known & (ends - begins == 1)

    def _summits(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the summits in the genome, -1 where there is none; and which may be."""
        count = len(self.lines)
        if not self._layout.has_summits:
            return np.full(count, -1), np.ones(count, bool)
        distance, is_number = self._numbers(_SUMMIT)
        begins, ends = self._cells(_SUMMIT)
        is_absent = (ends - begins == 2) & self._is_at(begins, b"-1")
        is_inside = is_number & (distance < end - start)
        return np.where(is_absent, -1, start + distance), is_absent | is_inside

    def _chrom_ids(self, ids: dict[str, int]) -> np.ndarray:
        begins, ends = self._cells(_NAME)
        width = ends - begins
        place = np.arange(width.max())
        at = np.minimum(begins[:, None] + place, len(self._text) - 1)
        letters = np.where(place < width[:, None], self._text[at], 0).astype(np.uint8)
        names = letters.view(f"S{len(place)}")[:, 0]
        names, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        for name in names[np.argsort(first)].tolist():
            ids.setdefault(name.decode(), len(ids))
        return np.array([ids[name.decode()] for name in names.tolist()])[inverse]

    def _is_at(self, positions: np.ndarray, prefix: bytes) -> np.ndarray:
        """Returns at which positions of the text these bytes stand, bool `[N]`."""
        return np.all([self._text[positions + k] == byte for k, byte in enumerate(prefix)], axis=0)

    def _where(self, row: int) -> str:
        return f"{self._path}:{self.lines[row]}"

    def _raise_mistake(self, row: int) -> NoReturn:
        line = self._text[self._begins[row] : self._ends[row]].tobytes().decode()
        cells, where = line.split("\t"), self._where(row)
        shown = " ".join(cells[: _END + 1])
        if not cells[_NAME]:
            raise InputError(f"{where}: {line[:40]!r} begins with no chromosome")
        for what, cell in (("start", cells[_START]), ("end", cells[_END])):
            if re.fullmatch(r"-\d+", cell):
                raise InputError(f"{where}: {shown}: the {what} is negative, expected 0 or more")
            if not re.fullmatch(rf"[0-9]{{1,{_MAX_DIGITS}}}", cell):
                raise InputError(
                    f"{where}: {what} {cell!r}, expected a whole number of bases; "
                    "a line of column names must begin with #"
                )
        if int(cells[_START]) >= int(cells[_END]):
            raise InputError(
                f"{where}: {shown}: the end is not after the start, expected the first base, "
                "counted from 0, and the one after the last"
            )
        if len(cells) > _STRAND and cells[_STRAND] not in _STRAND_OF_LETTER:
            raise InputError(f"{where}: strand {cells[_STRAND]!r}, expected +, - or .")
        raise InputError(
            f"{where}: {shown}: summit {cells[_SUMMIT]!r}, expected its distance from the start, "
            "less than the length of the row, or -1 if there is none"
        )
