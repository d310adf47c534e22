"""A small dataset for the tests of records: odd length, two tasks, three shards."""

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

LENGTH = 7


@pytest.fixture
def schema():
    return Schema(
        (
            Feature("targets", "float32", (2,)),
            Feature("sequence", "uint8", (4,), bases=LENGTH),
            Feature("row", "int64", ()),
        )
    )


@pytest.fixture
def make_columns():
    """Returns a function that gives `num_rows` rows of the schema; `row` counts from 0."""

    def make(num_rows):
        rng = np.random.default_rng(num_rows)
        letters = rng.choice(list("ACGTNRY-"), (num_rows, LENGTH))
        return {
            "row": np.arange(num_rows),
            "sequence": sequence.encode(["".join(text) for text in letters], LENGTH),
            "targets": rng.normal(size=(num_rows, 2)).astype(np.float32),
        }

    return make


@pytest.fixture
def save(tmp_path, schema):
    """Returns a function that writes columns as a dataset of one split and opens it."""

    def save(
        columns,
        split="train",
        schema=schema,
        num_shards=3,
        tasks=("a", "b"),
        folder=tmp_path,
        compression="none",
        **manifest,
    ):
        folder.mkdir(exist_ok=True)
        manifest["compression"] = compression
        shards = []
        bounds = np.linspace(0, len(columns[schema.names[0]]), num_shards + 1).astype(int)
        for index, (start, stop) in enumerate(zip(bounds, bounds[1:], strict=False)):
            path = folder / shard_file("mini", split, index, num_shards)
            with ShardWriter(path, schema, compression) as writer:
                writer.write({name: values[start:stop] for name, values in columns.items()})
            shards.append(writer.shard)
        Manifest("mini", schema, {split: shards}, tasks, **manifest).save(folder)
        return Dataset(folder)

    return save
