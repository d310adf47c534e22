"""Tables of predictions: tab-separated text, a header line, plain or gzip by the name's ending.

Columns of every task: `TASK_probability` and `TASK_logit`, or `TASK_prediction` of a regression,
in nine digits, so that float32 numbers come back as they were.
"""

import contextlib
import gzip
import io
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

import numpy as np

from genokeras.evaluation.scores import probability
from genokeras.models.spec import Spec
from tfrecords.errors import InputError

Column = Sequence | np.ndarray
# The default of the gzip module, 9, takes three times as long for one percent.
_COMPRESSION = 6


def check_output(path: str | os.PathLike) -> pathlib.Path:
    """Returns the path, once it is clear that a file can be made there.

    Raises:
      InputError: Its folder is missing, or it is a folder itself.
    """
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected the name of a file")
    return path


def prediction_columns(spec: Spec, logits: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the columns of predictions `[N, T]` by name."""
    columns = {}
    for task, values in zip(spec.tasks, logits.T, strict=True):
        if spec.task_type == "regression":
            columns[f"{task}_prediction"] = values
        else:
            columns[f"{task}_probability"] = probability(values)
            columns[f"{task}_logit"] = values
    return columns


@contextlib.contextmanager
def open_table(path: str | os.PathLike) -> Iterator[TextIO]:
    """Opens a file for writing that appears under its name when the block ends well, else never."""
    path = pathlib.Path(path)
    partial = path.with_name(f".writing.{path.name}")
    try:
        with partial.open("wb") as raw, _compressed(raw, path.suffix == ".gz") as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8", newline="\n")
            yield text
            text.flush()
            text.detach()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_rows(file: TextIO, columns: Mapping[str, Column], *, with_header: bool) -> None:
    """Writes columns of equal length: texts and whole numbers as they are, NaN as an empty cell."""
    if with_header:
        file.write("\t".join(columns) + "\n")
    cells = [_cells(column) for column in columns.values()]
    pattern = "\t".join(["%s"] * len(cells)) + "\n"
    file.write("".join(map(pattern.__mod__, zip(*cells, strict=True))))


def _compressed(raw: io.BufferedWriter, is_gzip: bool) -> contextlib.AbstractContextManager:
    if not is_gzip:
        return contextlib.nullcontext(raw)
    # Without a name and a time in it, the same predictions give the same bytes.
    return gzip.GzipFile("", "wb", compresslevel=_COMPRESSION, fileobj=raw, mtime=0)


def _cells(column: Column) -> Sequence:
    if not isinstance(column, np.ndarray):
        return column
    if column.dtype.kind != "f":
        return column.tolist()
    return ["" if value != value else f"{value:.9g}" for value in column.tolist()]
