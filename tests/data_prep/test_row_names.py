"""Rows by the places and files that a user knows."""

import types

import numpy as np
import pytest

from data_prep.row_names import row_names
from data_prep.scratch import Scratch
from tfrecords.chrom import Chrom

INPUTS = [{"file": "a.csv", "num_rows": 3}, {"file": "b.csv", "num_rows": 2}]


@pytest.fixture
def names(tmp_path):
    def name(details, **columns):
        kinds = dict.fromkeys(columns, ("int64", ()))
        scratch = Scratch(tmp_path, kinds)
        scratch.write([{column: np.array(values) for column, values in columns.items()}])
        source = types.SimpleNamespace(details=details, inputs=INPUTS, flags={"source": "csv"})
        return list(map(row_names(source, scratch, 20), range(len(columns["row"]))))

    return name


def test_rows_of_tables(names):
    assert names({}, row=[0, 4, 6]) == [
        "a.csv, row 1",
        "b.csv, row 2",
        "negative 1 made of a.csv, row 2",
    ]


def test_windows_of_a_genome(names):
    details = {"chroms": (Chrom("I", 100), Chrom("II", 100))}
    assert names(details, row=[0, 6], chrom_id=[1, -1], start=[30, -1]) == [
        "II:30-50",
        "negative 1 made of a.csv, row 2",
    ]
