"""Rows of text, as tables and FASTA files give them, turned into checked arrays.

Axes: `N` rows, `L` bases, `T` tasks.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep import lengths
from tfrecords import sequence as dna
from tfrecords.errors import InputError
from tfrecords.manifest import LABEL_TYPES

TASK = "label"  # The task of labels that have no name.
_MAX_LABEL = float(np.finfo(np.float32).max)
_MISSING = frozenset({"", "na", "nan", "n/a", "<na>", "null", "none"})


@dataclass(frozen=True)
class TextRows:
    """Consecutive rows of one file.

    Attributes:
        sequences: `N` texts.
        labels: `T` lists of `N` cells.
        line: The line of the file that a row (0 to N-1) came from, or its place otherwise.
        path: The file, for error messages.
    """

    sequences: Sequence[str]
    labels: Sequence[Sequence[str]]
    line: Callable[[int], int | str]
    path: str

    def where(self, row: int) -> str:
        """Returns the place of a row as error messages name it."""
        return f"{self.path}:{self.line(row)}"


def check_options(length: int | None, task_type: str | None) -> None:
    """Refuses a length or a task type that no source could use."""
    if length is not None and length < 1:
        raise InputError(f"--length={length}, expected a positive number of bases")
    if task_type is not None and task_type not in LABEL_TYPES:
        raise InputError(f"--task_type={task_type}, expected one of {', '.join(LABEL_TYPES)}")


def parse_label(cell: str) -> float:
    """Returns a label's value, NaN if it is missing (empty, NA, NaN, null or none in any case).

    Raises:
        ValueError: Not a finite number. Texts that only Python reads as numbers, as 1_0, are none.
    """
    text = cell.strip().lower()
    if text in _MISSING:
        return math.nan
    value = float(text) if "_" not in text else math.inf
    if not abs(value) <= _MAX_LABEL:
        raise ValueError
    return value


def parse_labels(rows: TextRows, tasks: Sequence[str], task_type: str | None) -> np.ndarray:
    """Returns the targets, float32 `[N, T]`, NaN where a label is missing.

    Raises:
        InputError: A label is no finite number, or neither 0 nor 1 although the task is binary.
    """
    targets = np.empty((len(rows.sequences), len(tasks)), np.float32)
    for column, (task, cells) in enumerate(zip(tasks, rows.labels, strict=True)):
        values = _ParsedCells()
        try:
            targets[:, column] = [values[cell] for cell in cells]
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if not _is_label(cell))
            raise InputError(
                f"{rows.where(row)}: {task} is {cells[row].strip()!r}, expected a number (of two "
                "classes 1 and 0), or an empty cell or NA where it is missing"
            ) from None
    if task_type == "binary":
        check_binary(rows.where, tasks, targets)
    return targets


def encode_sequences(rows: TextRows, length: int, is_resizing: bool) -> np.ndarray:
    """Returns the sequences packed, uint8 `[N, ceil(L/2)]`.

    Args:
        rows: The rows.
        length: Bases of every sequence.
        is_resizing: Crop and pad those of another length instead of refusing them.

    Raises:
        InputError: A sequence is empty, of another length, or has a letter that is no IUPAC code.
    """
    if any(blank in "".join(rows.sequences) for blank in " \t"):
        rows = dataclasses.replace(rows, sequences=[text.strip() for text in rows.sequences])
    _check_lengths(rows, None if is_resizing else length)
    try:
        if is_resizing:
            # Letters that are cropped away are checked as well: all of them, as one sequence.
            dna.encode([text := "".join(rows.sequences)], len(text))
            return dna.encode(lengths.resize(rows.sequences, length), length)
        return dna.encode(rows.sequences, length)
    except InputError:
        raise InputError(_first_wrong_letter(rows)) from None


def check_binary(where: Callable[[int], str], tasks: Sequence[str], targets: np.ndarray) -> None:
    """Raises an InputError, with its place, if a label is neither 0, 1 nor missing (NaN)."""
    wrong = np.argwhere((targets != 0) & (targets != 1) & ~np.isnan(targets))
    if wrong.size:
        row, column = wrong[0]
        raise InputError(
            f"{where(row)}: {tasks[column]} is {targets[row, column]:g}, but a binary task has "
            "labels 0 and 1 only; is it a regression?"
        )


class _ParsedCells(dict):
    """Values of label cells; most tables repeat few of them, so each is parsed once a batch."""

    def __missing__(self, cell: str) -> float:
        value = self[cell] = parse_label(cell)
        return value


def _is_label(cell: str) -> bool:
    try:
        parse_label(cell)
    except ValueError:
        return False
    return True


def _check_lengths(rows: TextRows, length: int | None) -> None:
    sizes = set(map(len, rows.sequences))
    if 0 in sizes:
        row = next(row for row, text in enumerate(rows.sequences) if not text)
        raise InputError(f"{rows.where(row)}: the sequence is empty")
    if length is not None and sizes - {length}:
        row = next(row for row, text in enumerate(rows.sequences) if len(text) != length)
        raise InputError(
            f"{rows.where(row)}: the sequence has {len(rows.sequences[row])} bases, those before "
            f"it {length}; --length={length} crops longer ones to their centre and pads shorter "
            "ones at both ends"
        )
    if "-" in "".join(rows.sequences):
        row = next(row for row, text in enumerate(rows.sequences) if "-" in text)
        raise InputError(
            f"{rows.where(row)}, position {rows.sequences[row].index('-')}: '-' is a gap; "
            "expected unaligned sequences, with N for an unknown base"
        )


def _first_wrong_letter(rows: TextRows) -> str:
    problems = ((row, _problem(text)) for row, text in enumerate(rows.sequences))
    row, problem = next((row, problem) for row, problem in problems if problem)
    return f"{rows.where(row)}: {problem}"


def _problem(text: str) -> str:
    try:
        dna.encode([text], len(text))
    except InputError as error:
        return str(error).removeprefix("row 0, ")
    return ""
