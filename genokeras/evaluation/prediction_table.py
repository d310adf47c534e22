"""Tables of predictions: tab-separated text with a header line.

Columns of every task: `TASK_probability` and `TASK_logit`, or `TASK_prediction` of a regression; of
an ensemble `TASK_logit_std` or `TASK_prediction_std` as well, the standard deviation over its
members. Nine digits, so that float32 numbers come back as they were.
"""

from collections.abc import Mapping, Sequence
from typing import TextIO

import numpy as np

from genokeras.evaluation.scores import probability
from genokeras.models.spec import Spec

Column = Sequence | np.ndarray


def prediction_columns(spec: Spec, member_logits: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the columns of the mean predictions of members `[E, N, T]` by name.

    With several members there is a column of their spread: the sample standard deviation.
    """
    columns = {}
    name = "prediction" if spec.task_type == "regression" else "logit"
    for column, task in enumerate(spec.tasks):
        members = member_logits[:, :, column]
        logits = members.mean(axis=0)
        if name == "logit":
            columns[f"{task}_probability"] = probability(logits)
        columns[f"{task}_{name}"] = logits
        if len(members) > 1:
            columns[f"{task}_{name}_std"] = members.std(axis=0, ddof=1)
    return columns


def write_rows(file: TextIO, columns: Mapping[str, Column], *, with_header: bool) -> None:
    """Writes columns of equal length: texts and whole numbers as they are, NaN as an empty cell."""
    if with_header:
        file.write("\t".join(columns) + "\n")
    cells = [_cells(column) for column in columns.values()]
    pattern = "\t".join(["%s"] * len(cells)) + "\n"
    file.write("".join(map(pattern.__mod__, zip(*cells, strict=True))))


def _cells(column: Column) -> Sequence:
    if not isinstance(column, np.ndarray):
        return column
    if column.dtype.kind != "f":
        return column.tolist()
    return ["" if value != value else f"{value:.9g}" for value in column.tolist()]
