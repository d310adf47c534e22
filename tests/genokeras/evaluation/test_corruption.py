import numpy as np
import pytest

from genokeras.evaluation.corruption import describe_corruption, hidden_bases
from genokeras.metrics.leakage import num_hidden
from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file


@pytest.mark.parametrize("k", [1, 2, 5])
def test_hidden_bases_are_counted_as_by_the_runs_of_masked_tokens(k):
    masked = np.random.default_rng(k).random((50, 30)) < 0.6
    found = hidden_bases(masked, k).sum(axis=1)
    np.testing.assert_array_equal(found, [num_hidden(row, k) for row in masked])


def test_what_is_said_of_a_dataset(tmp_path):
    """Uniform DNA: 0.0625 nats of 80/10/10; of 6-mers one by one, 0.15**6 of inner bases."""
    rows = np.random.default_rng(0).choice(list("ACGT"), (4000, 101))
    packed = sequence.encode(["".join(row) for row in rows], 101)
    schema = Schema((Feature("sequence", "uint8", (51,), bases=101),))
    with ShardWriter(tmp_path / shard_file("dna", "train", 0, 1), schema) as writer:
        writer.write({"sequence": packed})
    Manifest("dna", schema, {"train": (writer.shard,)}, (), task_type="unlabelled").save(tmp_path)
    lines = [line.split() for line in describe_corruption(Dataset(tmp_path))]
    found = {line[0]: [float(x) for x in line[1:]] for line in lines[2:5] + lines[6:]}
    leakage = {name: found[name][1] for name in ("mask", "random", "mixed")}
    assert leakage == pytest.approx({"mask": 0, "random": 0, "mixed": 0.0625}, abs=3e-3)
    assert found["mask"][0] == pytest.approx(0.15, abs=0.005)
    assert found["k=1"] == pytest.approx([0.15, 0.15], abs=0.005)
    # Of 3-mers also the one or two bases between two hidden ones.
    assert found["k=3"][0] > 0.17
    assert found["k=3"][1] < 0.01
    # One token tells the first base, two the second: chance hides those at the ends.
    ends = 2 * sum(0.15**count for count in range(1, 6)) / 101
    assert found["k=6"][1] == pytest.approx(ends + 91 / 101 * 0.15**6, abs=4e-4)
