"""Predictions of windows of a genome say where those are."""

import numpy as np

from genokeras.evaluation.scores import Labels
from genokeras.evaluation.split_predictions import SplitPredictions, place_columns, write_table
from genokeras.models.spec import Spec
from tfrecords.chrom import Chrom
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

MANIFEST = Manifest(
    "x",
    Schema((Feature("sequence", "uint8", (8,), bases=16),)),
    {},
    shift_bp=3,
    chroms=(Chrom("I", 90), Chrom("II", 50)),
)
PLACES = {
    "chrom_id": np.array([1, 0, -1], np.int32),
    "start": np.array([20, 0, -1]),
    "strand": np.array([-1, 0, 1], np.int8),
}


def test_columns_are_those_of_a_bed_file():
    columns = place_columns(MANIFEST, PLACES)
    assert {name: column.tolist() for name, column in columns.items()} == {
        "chrom": ["II", "I", "."],
        "start": [20, 0, -1],
        "end": [30, 10, -1],
        "strand": ["-", ".", "+"],
    }


def test_rows_of_a_table_have_no_place():
    assert place_columns(MANIFEST, {"row": np.arange(3)}) == {}


def test_the_table_has_them_behind_the_row(tmp_path):
    targets, weight = np.array([[1.0], [0], [0]]), np.ones((3, 1))
    predictions = SplitPredictions(
        None,
        np.array([2, 0, 1]),
        Labels("binary", ("a",), targets, weight),
        np.zeros((1, 3, 1), np.float32),
        place_columns(MANIFEST, PLACES),
    )
    write_table(predictions, Spec(10, ("a",)), tmp_path / "test.tsv")
    assert (tmp_path / "test.tsv").read_text().splitlines() == [
        "row\tchrom\tstart\tend\tstrand\ta_target\ta_probability\ta_logit",
        "0\tI\t0\t10\t.\t0\t0.5\t0",
        "1\t.\t-1\t-1\t+\t0\t0.5\t0",
        "2\tII\t20\t30\t-\t1\t0.5\t0",
    ]
