"""Labelled sequences in FASTA files, the class from the file or from the header line."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from data_prep import file_kind, text_rows
from data_prep.source import (
    Batch,
    InputFile,
    Paths,
    file_names,
    input_files,
    labelled_sequences,
    paths_by_split,
)
from data_prep.text_file import TextFile
from data_prep.text_rows import TextRows
from tfrecords.errors import InputError

# `label=1` or `class=1` anywhere, or `name|1|training`; in gi|12345|ref there is no label.
LABEL_REGEX = r"(?:\b(?:label|class)=|\|(?=[^|]*\|(?:train|test|val|dev)))([^\s|;,]+)"


class Fasta:
    """A source of the records of one or several FASTA files, one task.

    Args:
        inputs: Paths of records still to be split, or `{"train": paths, "test": paths, ...}`.
        labels: The label of every file, in order (for a mapping: of each split's files in order).
            Default: from the header of each record.
        label_regex: Finds the label in a header, as its one group.
        length: Crop and pad all sequences to this; default: all must be as long as the first.
        task_type: `binary` or `regression`; default: binary if all labels are 0 or 1.
        positives: Take all records of a file without labels for positives, instead of refusing it.

    Raises:
        InputError: A file is missing or not FASTA, or there are not as many labels as files.
    """

    def __init__(
        self,
        inputs: Paths | Mapping[str, Paths],
        *,
        labels: Sequence[float | str] = (),
        label_regex: str = LABEL_REGEX,
        length: int | None = None,
        task_type: str | None = None,
        positives: bool = False,
    ):
        text_rows.check_options(length, task_type)
        self._files = input_files(inputs)
        self._labels = _labels_of_files(self._files, labels)
        self._regex = _compiled(label_regex)
        first = [_first_record(file.path) for file in self._files]
        self._unlabelled = tuple(
            file.path
            for file, label, (header, _) in zip(self._files, self._labels, first, strict=True)
            if positives and label is None and not self._regex.search(header)
        )
        self._is_resizing = length is not None
        self.length = length or len(first[0][1])
        self.tasks = (text_rows.TASK,)
        self.task_type = task_type
        self.paths = tuple(file.path for file in self._files)
        self.paths_by_split = paths_by_split(self._files)
        self.flags = {
            "source": "fasta",
            "files": file_names(self.paths_by_split),
            "labels": [str(label) for label in labels],
            "label_regex": None if labels else label_regex,
            "length": length,
            "task_type": task_type,
        }
        self.inputs: tuple[dict, ...] = ()
        self.features = labelled_sequences(self.length, len(self.tasks))
        self.details, self.findings = {}, {}
        self.num_rows = None
        self.notes = tuple(
            f"{path} has no labels, so all its sequences are positives."
            for path in self._unlabelled
        )

    @property
    def unsplit(self) -> str:
        unsplit = [file.path for file in self._files if file.split < 0]
        return f"{unsplit[0]} does not say which sequences are for training" if unsplit else ""

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all records in order, at most `size` at a time."""
        self.inputs = ()
        for file, label in zip(self._files, self._labels, strict=True):
            text = TextFile(file.path)
            num_rows = num_bytes = 0
            for rows in self._read(text, file.path, label, size):
                columns = {
                    "sequence": text_rows.encode_sequences(rows, self.length, self._is_resizing),
                    "targets": text_rows.parse_labels(rows, self.tasks, self.task_type),
                }
                split = np.full(len(rows.sequences), file.split, np.int8)
                yield Batch(columns, split, text.num_bytes - num_bytes)
                num_rows, num_bytes = num_rows + len(split), text.num_bytes
            entry = {"file": text.name, "sha256": text.sha256, "num_rows": num_rows}
            self.inputs = (*self.inputs, entry)

    def _read(self, text: TextFile, path: str, label: str | None, size: int) -> Iterator[TextRows]:
        records = read_records(text)
        while batch := list(itertools.islice(records, size)):
            lines, headers, sequences = zip(*batch, strict=True)
            cells = [label] * len(batch)
            if label is None:
                cells = [
                    self._label_in(header, path, line)
                    for header, line in zip(headers, lines, strict=True)
                ]
            yield TextRows(sequences, [cells], lines.__getitem__, path)

    def _label_in(self, header: str, path: str, line: int) -> str:
        found, where = self._regex.search(header), f"{path}:{line}"
        if path in self._unlabelled:
            if found is None:
                return "1"
            raise InputError(
                f"{where}: there is a label in the header {header[:40]!r}, but none in the first "
                "one of the file, which made all its sequences positives; give all or none a label"
            )
        if found is None:
            raise InputError(
                f"{where}: no label in the header {header[:40]!r}, expected label=1, class=1 or "
                "name|1|...; --label_regex finds others, --labels=1,0 gives one to each file, and "
                "if all sequences are positives, --negatives=dinucleotide_shuffle makes the others"
            )
        return found[1]


def read_records(text: TextFile) -> Iterator[tuple[int, str, str]]:
    """Yields line number and text of every header, without `>`, and the sequence under it.

    Raises:
        InputError: Text before the first header, or a header without a sequence.
    """
    line_number, header, parts = 0, None, []
    for number, line in enumerate(text.lines(), start=1):
        line = line.strip()
        if line.startswith(">"):
            if header is not None:
                yield line_number, header, _joined(parts, f"{text.path}:{line_number}")
            line_number, header, parts = number, line[1:].strip(), []
        elif header is None and line:
            raise InputError(
                f"{text.path}:{number}: {line[:20]!r} stands before the first header; "
                "a FASTA file begins with a line >NAME, and --source=csv reads tables"
            )
        else:
            parts.append(line)
    if header is None:
        raise InputError(f"{text.path} has no sequences")
    yield line_number, header, _joined(parts, f"{text.path}:{line_number}")


def _joined(parts: list[str], where: str) -> str:
    sequence = "".join(parts)
    if not sequence:
        raise InputError(f"{where}: there is no sequence under this header")
    return sequence


def _first_record(path: str) -> tuple[str, str]:
    """Returns header and sequence."""
    text = TextFile(path)
    file_kind.find_kind(text)  # Refuses FASTQ.
    records = read_records(text)
    _, header, sequence = next(records)
    records.close()
    return header, sequence


def _labels_of_files(files: Sequence[InputFile], labels: Sequence[float | str]) -> list[str | None]:
    """Returns a label for each file: the n-th file of a split has the n-th label."""
    if not labels:
        return [None] * len(files)
    found = []
    for _, group in itertools.groupby(files, key=lambda file: file.split):
        paths = [file.path for file in group]
        if len(paths) != len(labels):
            raise InputError(
                f"--labels={','.join(map(str, labels))} has {len(labels)} labels for "
                f"{len(paths)} files ({', '.join(paths)}); expected one for each file"
            )
        found += [str(label) for label in labels]
    for label in found:
        _check_label(label)
    return found


def _check_label(label: str) -> None:
    try:
        text_rows.parse_label(label)
    except ValueError:
        raise InputError(f"--labels: {label!r} is no number") from None


def _compiled(regex: str) -> re.Pattern:
    try:
        compiled = re.compile(regex)
    except re.error as error:
        raise InputError(f"--label_regex={regex}: {error}") from None
    if compiled.groups != 1:
        raise InputError(
            f"--label_regex={regex} has {compiled.groups} groups, expected one, around the label"
        )
    return compiled
