import dataclasses

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
    size = len(rows)
    return {
        "key": np.arange(7, 7 + size, dtype=np.uint32),
        "row": np.array(rows, np.int64),
        "targets": np.ones((size, 2), np.float32),
        "weight": np.ones((size, 2), np.float32),
    }


def test_the_first_examples_and_the_largest_target_are_told(manifest):
    found = batch(*range(98, 106))
    found["targets"][6, 1] = -1e30
    assert describe_batch(manifest, found) == (
        "its batch: train.csv.gz, row 99; train.csv.gz, row 100; more.csv, row 1; more.csv, row 2; "
        "more.csv, row 3 and 3 more (the largest target, 1e+30, is that of more.csv, row 5)"
    )


def test_labels_are_all_of_one_size(manifest):
    labels = dataclasses.replace(manifest, task_type="binary")
    assert (
        describe_batch(labels, batch(0, 100)) == "its batch: train.csv.gz, row 1; more.csv, row 1"
    )


def test_windows_of_a_genome_are_told_by_their_place():
    """Of coverage NaN is what is missing."""
    features = [
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (100,), bases=200),
        Feature("targets", "float32", (1, 2)),
    ]
    windows = Manifest(
        name="mine", schema=Schema(tuple(features)), splits={"train": ()}, tasks=("a", "b"),
        task_type="coverage", inputs=INPUTS, chroms=(Chrom("I", 1000), Chrom("II", 5000)),
        bin_bp=200,
    )  # fmt: skip
    found = batch(5)
    found["targets"] = np.array([[[np.nan, 2.5]]], np.float32)
    found |= {"chrom_id": np.array([1]), "start": np.array([300]), "strand": np.array([-1])}
    assert describe_batch(windows, found) == (
        "its batch: II:300-500:- (the largest target, 2.5, is that of II:300-500:-)"
    )


def test_without_rows_keys_must_do(manifest):
    found = batch(1, 2)
    del found["row"]
    assert describe_batch(manifest, found).startswith("its batch: key 7; key 8 (")
