"""Tables of labelled sequences: CSV, TSV and the like, one file or several.

The first line names the columns; rows are turned into arrays a batch at a time.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_prep import file_kind, table_columns, table_rows, text_rows
from data_prep.source import (
    UNSPLIT,
    Batch,
    InputFile,
    Paths,
    file_names,
    input_files,
    labelled_sequences,
    paths_by_split,
    split_code,
)
from data_prep.table_columns import TableColumns
from data_prep.table_rows import TableRows
from data_prep.table_splits import ChromSplits, parse_groups, parse_splits
from data_prep.text_file import TextFile
from data_prep.text_rows import TextRows
from tfrecords.errors import InputError

_SAMPLE_LINES = 100


class CsvTable:
    """A source of the rows of one or several tables, with the same labels in each.

    Args:
        inputs: Paths of rows still to be split, or `{"train": paths, "valid": paths, ...}`.
        sequence_column: Column with the sequence; default: the one named sequence or seq.
        target_columns: Columns with the labels, a task each; default: see
            `table_columns.find_columns`.
        split_column: Column that names the split of each row.
        group_column: Column that names what each row belongs to, such as its gene or donor: rows of
            one group are not parted where rows are split.
        chrom_column: Column that names the chromosome of each row, by which `chroms` splits them.
        chroms: The chromosomes of valid and of test, by split; all others are for training.
        length: Crop and pad all sequences to this; default: all must be as long as the first.
        task_type: `binary` or `regression`; default: binary if all labels are 0 or 1.
        positives: Take all rows of a table without labels for positives, instead of refusing it.

    Raises:
        InputError: A file or a column is missing or cannot be understood.
    """

    def __init__(
        self,
        inputs: Paths | Mapping[str, Paths],
        *,
        sequence_column: str | None = None,
        target_columns: Sequence[str] = (),
        split_column: str | None = None,
        group_column: str | None = None,
        chrom_column: str | None = None,
        chroms: Mapping[str, Sequence[str]] | None = None,
        length: int | None = None,
        task_type: str | None = None,
        positives: bool = False,
    ):
        text_rows.check_options(length, task_type)
        files = input_files(inputs)
        self._chroms = _chrom_splits(chrom_column, chroms, split_column)
        for flag, column in (("split_column", split_column), ("chrom_column", chrom_column)):
            if column and any(file.split != UNSPLIT for file in files):
                raise InputError(
                    f"--{flag}={column} needs --input; the files given are split already"
                )
        asked = {
            "sequence": sequence_column,
            "targets": target_columns,
            "split": chrom_column or split_column,
            "group": group_column,
            "may_lack_targets": positives,
        }
        self._tables = tuple(_open(file, asked) for file in files)
        self._is_resizing = length is not None
        self.length = length or self._tables[0].first_length
        self.tasks = _targets(self._tables)
        self.task_type = task_type
        self.paths = tuple(file.path for file in files)
        self.paths_by_split = paths_by_split(files)
        self.flags = {
            "source": "csv",
            "files": file_names(self.paths_by_split),
            "sequence_column": sequence_column,
            "target_columns": list(target_columns),
            "split_column": split_column,
            "length": length,
            "task_type": task_type,
        }
        if group_column:  # Datasets built before there were groups keep their flags.
            self.flags["group_column"] = group_column
        if chrom_column:
            self.flags["chrom_column"] = chrom_column
            self.flags |= {f"{name}_chroms": list(names) for name, names in chroms.items()}
        self.inputs: tuple[dict, ...] = ()
        self.features = labelled_sequences(self.length, len(self.tasks))
        self.details, self.findings = {}, {}
        self.num_rows = None

    @property
    def unsplit(self) -> str:
        for table in self._tables:
            if table.file.split == UNSPLIT and table.columns.split is None:
                guess = table_columns.split_candidates(table.columns.unread)
                hint = f" (--split_column={guess[0]} may be what you want)" if guess else ""
                return f"{table.file.path} does not say which rows are for training{hint}"
        return ""

    @property
    def notes(self) -> tuple[str, ...]:
        unread = dict.fromkeys(name for table in self._tables for name in table.columns.unread)
        ignored = f"; not read: {', '.join(filter(None, unread))}" if any(unread) else ""
        unlabelled = [table.file.path for table in self._tables if not table.columns.targets]
        read = self._tables[0].columns.sequence
        if len(unlabelled) < len(self._tables):
            read += f", {_shown(self.tasks)}"
        notes = (f"Columns read: {read}{ignored}.",)
        if unlabelled:
            notes += (f"No labels, so all rows are positives: {_shown(unlabelled)}.",)
        return notes

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all rows in order, at most `size` at a time."""
        self.inputs = ()
        for table in self._tables:
            text = TextFile(table.file.path)
            num_rows = num_bytes = 0
            for read in table_rows.read_table(text, table.separator, len(table.header), size):
                rows, split, group = self._text_rows(read, table)
                columns = {
                    "sequence": text_rows.encode_sequences(rows, self.length, self._is_resizing),
                    "targets": text_rows.parse_labels(rows, self.tasks, self.task_type),
                }
                yield Batch(columns, split, text.num_bytes - num_bytes, group)
                num_rows, num_bytes = num_rows + len(split), text.num_bytes
            entry = {"file": text.name, "sha256": text.sha256, "num_rows": num_rows}
            self.inputs = (*self.inputs, entry)
        if self._chroms is not None:
            self._chroms.check_all_seen()

    def _text_rows(
        self, read: TableRows, table: "_Table"
    ) -> tuple[TextRows, np.ndarray, np.ndarray | None]:
        """Returns what is wanted of the rows, the split of each, and the group if it has one."""

        def column(name: str) -> list[str]:
            return read.columns[table.header.index(name)]

        names = table.columns
        sequences = column(names.sequence)
        labels = [column(name) if names.targets else ["1"] * len(sequences) for name in self.tasks]
        rows = TextRows(sequences, labels, read.line, table.file.path)
        split = np.full(len(sequences), table.file.split, np.int8)
        if names.split is not None:
            code_of = self._chroms or split_code
            split = parse_splits(column(names.split), names.split, rows, code_of)
        group = (
            None if names.group is None else parse_groups(column(names.group), names.group, rows)
        )
        return rows, split, group


@dataclass(frozen=True)
class _Table:
    """A file, its columns, those to read of it, and the bases of its first sequence."""

    file: InputFile
    separator: str
    header: list[str]
    columns: TableColumns
    first_length: int


def _open(file: InputFile, asked: dict) -> _Table:
    text = TextFile(file.path)
    if file_kind.find_kind(text) == "fasta":
        raise InputError(f"{file.path} is a FASTA file; --source=fasta reads it")
    lines = text.lines()
    header = next(lines)
    sample = [line for line in itertools.islice(lines, _SAMPLE_LINES) if line.strip()]
    lines.close()
    separator = table_columns.find_separator(header)
    names = table_rows.split_line(header, separator)
    cells = (table_rows.split_line(line, separator) for line in sample)
    columns = table_columns.find_columns(names, cells, where=f"{file.path}:1", **asked)
    if not sample:
        raise InputError(f"{file.path} has a header and no rows")
    position = names.index(columns.sequence)
    first_row = table_rows.split_line(sample[0], separator)
    # A first row without a sequence is refused, with its line, when it is read.
    first_length = max(1, len("".join(first_row[position : position + 1])))
    return _Table(file, separator, names, columns, first_length)


def _targets(tables: Sequence[_Table]) -> tuple[str, ...]:
    """Returns the labels of all tables that have some."""
    labelled = [table for table in tables if table.columns.targets]
    if not labelled:
        return (text_rows.TASK,)
    first = labelled[0]
    for table in labelled:
        if table.columns.targets != first.columns.targets:
            raise InputError(
                f"{table.file.path}:1: the labels are {_shown(table.columns.targets)}, but those "
                f"of {first.file.path} are {_shown(first.columns.targets)}; "
                "--target_columns=NAME,NAME takes the same from both"
            )
    return first.columns.targets


def _shown(targets: Sequence[str]) -> str:
    more = f" and {len(targets) - 8} more" if len(targets) > 8 else ""
    return ", ".join(targets[:8]) + more


def _chrom_splits(
    column: str | None, chroms: Mapping[str, Sequence[str]] | None, split_column: str | None
) -> ChromSplits | None:
    """Returns what splits rows by chromosome; None if nothing does."""
    if not column and not chroms:
        return None
    if not column or not chroms:
        raise InputError(
            "--chrom_column=NAME goes with --valid_chroms=NAME,NAME or --test_chroms=NAME,NAME"
        )
    if split_column:
        raise InputError("--chrom_column and --split_column were both given; choose one")
    return ChromSplits(column, chroms)
