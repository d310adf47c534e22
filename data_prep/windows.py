"""Sequences without labels, from FASTA files and tables, as windows of the length a model reads.

A longer sequence becomes several windows, a shorter one is padded on both sides as in training.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from data_prep import fasta, file_kind, table_columns, table_rows, text_rows
from data_prep.text_file import TextFile
from data_prep.text_rows import TextRows
from tfrecords.errors import InputError

_NAME_COLUMNS = ("name", "id", "sequence_id", "sequence_name", "seq_id")
_BATCH = 4096


class Record(NamedTuple):
    """One sequence of a file, and its line (of a FASTA record, the header's)."""

    name: str
    sequence: str
    line: int


def read_windows(
    path: str | os.PathLike,
    length: int,
    *,
    stride_bp: int | None = None,
    sequence_column: str | None = None,
    name_column: str | None = None,
    size: int = _BATCH,
    progress: Callable | None = None,
) -> Iterator[dict[str, Any]]:
    """Yields the windows of a file in order, `size` at a time (the last time fewer).

    Args:
        path: FASTA (it begins with `>`), CSV or TSV; plain or .gz, .bz2, .zst.
        length: Bases of a window.
        stride_bp: Distance between the windows of a longer sequence; default: half a window. The
            last window ends where the sequence ends.
        sequence_column: Of a table; default: the one named sequence or seq.
        name_column: Of a table; default: the one named name or id, else rows are numbered from 0.
        size: Windows of a batch.
        progress: Starts a progress bar, given a text and the bytes of the file.

    Returns:
        Columns `name` (texts; of a FASTA record the header's first word), `start` and `end` (int64,
        0-based half-open, the part of the sequence that the window shows) and `sequence` (packed).

    Raises:
        InputError: The file or a column is missing, or there is something in it that is no sequence
            (names file and line). Problems of the first line are raised at once.
    """
    text = TextFile(path)
    stride_bp = max(1, length // 2) if stride_bp is None else stride_bp
    if not 1 <= stride_bp <= length:
        raise InputError(
            f"--stride_bp={stride_bp}, expected 1 to {length}, the window of this model; a longer "
            "stride would leave bases unseen"
        )
    if file_kind.find_kind(text) == "fasta":
        if sequence_column or name_column:
            raise InputError(
                f"{path} is a FASTA file; --sequence_column and --name_column are for tables"
            )
        records = _fasta_records(text)
    else:
        records = _table_records(text, *_columns(text, sequence_column, name_column))
    windows = (
        (record, start)
        for record in records
        for start in window_starts(len(record.sequence), length, stride_bp)
    )
    return _batches(windows, text, length, size, progress)


def window_starts(num_bases: int, length: int, stride_bp: int) -> Iterator[int]:
    """Yields where the windows of a sequence start; the last one ends with the sequence."""
    last = max(0, num_bases - length)
    yield from range(0, last, stride_bp)
    yield last


def _batches(
    windows: Iterator[tuple[Record, int]],
    text: TextFile,
    length: int,
    size: int,
    progress: Callable | None,
) -> Iterator[dict[str, Any]]:
    bar = progress("Predicting (bytes)", text.path.stat().st_size) if progress else None
    num_bytes = 0
    try:
        while batch := list(itertools.islice(windows, size)):
            yield _batch(batch, str(text.path), length)
            if bar:
                bar.update(text.num_bytes - num_bytes)
                num_bytes = text.num_bytes
    finally:
        if bar:
            bar.close()


def _batch(windows: list[tuple[Record, int]], path: str, length: int) -> dict[str, Any]:
    texts = [record.sequence[start : start + length] for record, start in windows]
    start = np.fromiter((start for _, start in windows), np.int64, len(windows))
    rows = TextRows(texts, [], lambda row: windows[row][0].line, path)
    try:
        packed = text_rows.encode_sequences(rows, length, is_resizing=True)
    except InputError:
        # Said again of the whole sequence, so that the position is the one in the file.
        for record in dict.fromkeys(record for record, _ in windows):
            whole = TextRows([record.sequence], [], lambda _, line=record.line: line, path)
            text_rows.encode_sequences(whole, len(record.sequence), is_resizing=False)
        raise
    return {
        "name": [record.name for record, _ in windows],
        "start": start,
        "end": start + np.fromiter(map(len, texts), np.int64, len(texts)),
        "sequence": packed,
    }


def _fasta_records(text: TextFile) -> Iterator[Record]:
    for line, header, sequence in fasta.read_records(text):
        yield Record(header.split(maxsplit=1)[0] if header else "", sequence, line)


def _columns(
    text: TextFile, sequence_column: str | None, name_column: str | None
) -> tuple[str, int, int, int | None]:
    """Returns a table's separator, its width, and the columns of the sequences and the names."""
    lines = text.lines()
    header, where = next(lines, ""), f"{text.path}:1"
    lines.close()
    separator = table_columns.find_separator(header)
    names = table_rows.split_line(header, separator)
    sequence = table_columns.find_sequence(names, where, sequence_column)
    known = [name for name in names if name.lower() in _NAME_COLUMNS]
    name = table_columns.given(name_column, names, where) if name_column else (*known, None)[0]
    position = None if name is None else names.index(name)
    return separator, len(names), names.index(sequence), position


def _table_records(
    text: TextFile, separator: str, num_columns: int, sequence: int, name: int | None
) -> Iterator[Record]:
    number = 0
    for rows in table_rows.read_table(text, separator, num_columns, _BATCH):
        for row, cell in enumerate(rows.columns[sequence]):
            # Blanks, tabs and line ends in a name would break the table of predictions.
            shown = str(number) if name is None else " ".join(rows.columns[name][row].split())
            yield Record(shown, cell.strip(), rows.line(row))
            number += 1
    if not number:
        raise InputError(f"{text.path} has a header and no rows")
