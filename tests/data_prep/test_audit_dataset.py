"""The audit of records finds what the build found, and what another hand put there."""

import numpy as np
import pytest

from data_prep.audit_dataset import audit_dataset
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest

KEEP = BuildConfig(on_leak="warn", leak_threshold=1)


@pytest.fixture
def build(write, tmp_path):
    """Builds a dataset of rows (sequence, label, group, split)."""

    def make(rows, config=KEEP):
        lines = [",".join(map(str, row)) for row in rows]
        table = write("a.csv", "\n".join(["sequence,label,gene,split", *lines]) + "\n")
        source = CsvTable(table, split_column="split", group_column="gene")
        build_dataset(source, tmp_path / "data", "x", config=config)
        return tmp_path / "data"

    return make


@pytest.fixture
def rows(random_sequences, reverse_complement):
    """Four rows of test leak: a copy, one of the other strand, a near one, and a gene."""
    texts = random_sequences(60, 120)
    near = texts[2][:60] + ("A" if texts[2][60] != "A" else "C") + texts[2][61:]
    split = ["train"] * 40 + ["test"] * 20
    texts[57:] = [texts[0], reverse_complement(texts[1]), near]
    genes = [*range(59), 3]
    return [
        (text, number % 2, gene, name)
        for number, (text, gene, name) in enumerate(zip(texts, genes, split, strict=True))
    ]


def test_the_records_hold_what_the_build_found(build, rows, bar):
    data_dir = build(rows)
    found = audit_dataset(data_dir, progress=lambda text, total: bar)
    assert found["shared"] == {
        "train/test": {
            "sequences": 2,
            "only_reverse_complement": 1,
            "near_duplicates": [1, 1],
            "shared_groups": 1,
            "rows_of_shared_groups": [1, 1],
        }
    }
    built = Manifest.load(data_dir).audit
    for name in ("rows", "distinct", "repeats", "shared"):
        assert found[name] == built[name]
    assert (found["conflicts"]["sequences"], built["conflicts"]["sequences"]) == (2, 2)
    assert (bar.done, bar.is_closed) == (60 + 33, True)


def test_what_the_build_dropped_is_gone(build, rows):
    found = audit_dataset(build(rows, BuildConfig(leak_threshold=1)))
    assert found["rows"] == {"train": 38, "test": 20}
    assert found["shared"]["train/test"]["sequences"] == 0


def test_the_manifest_is_not_believed(build, rows):
    data_dir = build(rows)
    manifest = Manifest.load(data_dir)
    manifest.audit.clear()
    manifest.save(data_dir)
    shared = audit_dataset(data_dir)["shared"]["train/test"]
    assert shared["sequences"] == 2
    assert "shared_groups" not in shared


def test_missing_labels_contradict_nothing(build, random_sequences):
    text = random_sequences(3, 50)
    rows = [(text[0], 1, "a", "train"), (text[0], "", "a", "train"), (text[1], 0, "b", "train")]
    assert audit_dataset(build(rows))["conflicts"]["sequences"] == 0


def test_no_dataset_and_a_damaged_one(build, rows, tmp_path):
    with pytest.raises(InputError, match="not a dataset"):
        audit_dataset(tmp_path)
    data_dir = build(rows)
    shard = next(data_dir.glob("x-test*"))
    content = np.frombuffer(shard.read_bytes(), np.uint8).copy()
    content[200] ^= 1
    shard.write_bytes(content.tobytes())
    with pytest.raises(InputError, match="is damaged"):
        audit_dataset(data_dir)
