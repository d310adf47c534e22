"""Small datasets on disk, written in the order given."""

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file


def write_dataset(data_dir, splits, tasks=("label",), task_type="binary", rows=None):
    """Writes `{split: (sequences, targets [N, T], weight [N, T] or None)}`."""
    data_dir.mkdir()
    length = len(next(iter(splits.values()))[0][0])
    features = [
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (sequence.packed_width(length),), bases=length),
        Feature("targets", "float32", (len(tasks),)),
    ]
    if any(weight is not None for _, _, weight in splits.values()):
        features.append(Feature("weight", "float32", (len(tasks),)))
    schema = Schema(tuple(features))
    shards = {}
    for split, (sequences, targets, weight) in splits.items():
        targets = np.asarray(targets, np.float32).reshape(len(sequences), len(tasks))
        columns = {
            "row": np.arange(len(sequences)) if rows is None else np.asarray(rows, np.int64),
            "sequence": sequence.encode(sequences, length),
            "targets": targets,
        }
        if "weight" in schema:
            columns["weight"] = np.asarray(np.ones_like(targets) if weight is None else weight)
            columns["weight"] = columns["weight"].astype(np.float32).reshape(targets.shape)
        with ShardWriter(data_dir / shard_file("small", split, 0, 1), schema) as writer:
            writer.write(columns)
        shards[split] = (writer.shard,)
    Manifest("small", schema, shards, tuple(tasks), task_type).save(data_dir)
    return data_dir


@pytest.fixture(name="write_dataset")
def write_dataset_fixture():
    return write_dataset
