import numpy as np
import pytest

from genokeras.training.bad_batch import describe_batch
from tfrecords.chrom import Chrom
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

SCHEMA = Schema((Feature("row", "int64", ()), Feature("targets", "float32", (2,))))
INPUTS = (
    {"file": "train.csv.gz", "sha256": "0", "num_rows": 100},
    {"file": "more.csv", "sha256": "1", "num_rows": 50},
)


@pytest.fixture
def manifest():
    described = {"schema": SCHEMA, "splits": {"train": ()}, "task_type": "regression"}
    return Manifest(name="mine", tasks=("a", "b"), inputs=INPUTS, **described)


def batch(*rows):
    """Examples of these rows; all numbers are finite."""
    size = len(rows)
    return {
        "key": np.arange(7, 7 + size, dtype=np.uint32),
        "row": np.array(rows, np.int64),
        "targets": np.ones((size, 2), np.float32),
        "weight": np.ones((size, 2), np.float32),
    }


def test_the_examples_that_hold_what_is_not_finite_are_named(manifest):
    found = batch(3, 99, 100, 149)
    found["targets"][[1, 3], [0, 1]] = np.nan, -np.inf
    assert describe_batch(manifest, found) == (
        "targets is NaN or infinite in the examples train.csv.gz, row 100; more.csv, row 50"
    )


def test_where_all_is_finite_the_first_examples_are_named(manifest):
    assert describe_batch(manifest, batch(*range(98, 106))) == (
        "its batch, all of whose numbers are finite, is the examples train.csv.gz, row 99; "
        "train.csv.gz, row 100; more.csv, row 1; more.csv, row 2; more.csv, row 3 and 3 more"
    )
    assert describe_batch(manifest, batch(0)) == (
        "its batch, all of whose numbers are finite, is the example train.csv.gz, row 1"
    )


def test_windows_of_a_genome_are_told_by_their_place():
    """Of coverage NaN is what is missing."""
    features = [
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (100,), bases=200),
        Feature("targets", "float32", (1, 2)),
    ]
    schema = Schema(tuple(features))
    windows = Manifest(
        name="mine", schema=schema, splits={"train": ()}, tasks=("a", "b"), task_type="coverage",
        inputs=INPUTS, chroms=(Chrom("I", 1000), Chrom("II", 5000)), bin_bp=200,
    )  # fmt: skip
    found = batch(5)
    found["targets"][0, 0] = np.nan
    found |= {"chrom_id": np.array([1]), "start": np.array([300]), "strand": np.array([-1])}
    assert describe_batch(windows, found).endswith("finite, is the example II:300-500:-")
    found["targets"][0, 0] = np.inf
    assert describe_batch(windows, found) == (
        "targets is NaN or infinite in the example II:300-500:-"
    )


def test_without_rows_keys_must_do(manifest):
    found = batch(1, 2)
    del found["row"]
    assert describe_batch(manifest, found).endswith("the examples of key 7; of key 8")
