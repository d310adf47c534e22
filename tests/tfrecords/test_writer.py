"""A shard holds exactly what was given, appears whole or not at all, and refuses bad columns."""

import hashlib
import os

import numpy as np
import pytest

from tfrecords import writer
from tfrecords.errors import InputError
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file


def write(path, schema, *batches):
    with ShardWriter(path, schema) as shard_writer:
        for columns in batches:
            shard_writer.write(columns)
    return shard_writer.shard


def test_names_are_those_of_tfds():
    assert shard_file("tf0", "train", 3, 16) == "tf0-train.tfrecord-00003-of-00016"


def test_shard_describes_the_file(tmp_path, schema, make_columns):
    shard = write(tmp_path / "x", schema, make_columns(5), make_columns(3))
    content = (tmp_path / "x").read_bytes()
    assert shard.file == "x"
    assert shard.num_examples == 8
    assert shard.num_bytes == len(content) == 8 * schema.stride
    assert shard.sha256 == hashlib.sha256(content).hexdigest()


def test_a_shard_is_an_array(tmp_path, schema, make_columns):
    columns = make_columns(11)
    write(tmp_path / "x", schema, columns)
    records = np.memmap(tmp_path / "x", np.uint8, "r").reshape(-1, schema.stride)
    for name, values in columns.items():
        stored = np.ascontiguousarray(records[:, schema.columns[name]]).view(values.dtype)
        np.testing.assert_array_equal(stored.reshape(values.shape), values)


def test_the_same_rows_give_the_same_bytes(tmp_path, schema, make_columns):
    columns = make_columns(100)
    halves = [
        {name: values[part] for name, values in columns.items()}
        for part in (slice(0, 33), slice(33, 33), slice(33, None))
    ]
    once, again = (write(tmp_path / name, schema, columns) for name in "ab")
    in_pieces = write(tmp_path / "c", schema, *halves)
    assert once.sha256 == again.sha256 == in_pieces.sha256


def test_blocks_do_not_show(tmp_path, schema, make_columns, monkeypatch):
    whole = write(tmp_path / "a", schema, make_columns(50))
    monkeypatch.setattr(writer, "_BLOCK_BYTES", 7 * schema.stride)
    assert write(tmp_path / "b", schema, make_columns(50)).sha256 == whole.sha256


def test_no_rows_make_an_empty_shard(tmp_path, schema, make_columns):
    assert write(tmp_path / "x", schema, make_columns(0)).num_bytes == 0
    assert write(tmp_path / "y", schema).num_examples == 0


def change(columns, name, values):
    return {**columns, name: values}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("sequence", np.zeros((9, 5), np.uint8), r"got uint8\(5,\), schema wants uint8\(4,\)"),
        ("sequence", np.zeros((9, 4), np.int8), r"sequence: got int8\(4,\), schema wants"),
        ("row", np.zeros((9, 1), np.int64), r"row: got int64\(1,\), schema wants int64\(\)"),
        ("row", np.zeros(9, ">i8"), r"row: got >i8\(\), schema wants int64\(\)"),
        ("targets", [[1.0, 2.0]] * 9, r"targets: got float64\(2,\), schema wants float32\(2,\)"),
        ("row", np.int64(3), r"row: got one value, expected a column"),
        ("row", np.arange(8), "columns of unequal length: row 8, sequence 9, targets 9"),
        ("labels", np.zeros(9), "column 'labels' is not in the schema"),
        ("target", np.zeros(9), "column 'target' is not in the schema. Did you mean 'targets'?"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(tmp_path, schema, make_columns, name, values, message):
    with pytest.raises(InputError, match=message):
        write(tmp_path / "x", schema, change(make_columns(9), name, values))
    assert os.listdir(tmp_path) == []


def test_a_missing_column(tmp_path, schema, make_columns):
    columns = make_columns(3)
    del columns["row"]
    with pytest.raises(InputError, match="column 'row' is missing, the schema has row, sequence"):
        write(tmp_path / "x", schema, columns)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_names_the_row_of_the_shard(
    tmp_path, schema, make_columns, value
):
    columns = make_columns(9)
    columns["targets"][4, 1] = value
    with pytest.raises(InputError, match="targets: row 7 holds .*a missing target is stored as 0"):
        write(tmp_path / "x", schema, make_columns(3), columns)
    assert os.listdir(tmp_path) == []


def test_bits_behind_the_last_base_name_the_row(tmp_path, schema, make_columns):
    columns = make_columns(9)
    columns["sequence"][6, -1] |= 1
    with pytest.raises(InputError, match="sequence: row 6 has bits behind its last base"):
        write(tmp_path / "x", schema, columns)


def test_a_full_disk_leaves_nothing(tmp_path, schema, make_columns):
    os.symlink("/dev/full", tmp_path / ".writing.x")
    with pytest.raises(OSError, match="No space left on device: .*/x'"):
        write(tmp_path / "x", schema, make_columns(9))
    assert os.listdir(tmp_path) == []


def test_an_error_inside_the_block_leaves_the_old_shard(tmp_path, schema, make_columns):
    before = write(tmp_path / "x", schema, make_columns(4))

    def fail():
        with ShardWriter(tmp_path / "x", schema) as shard_writer:
            shard_writer.write(make_columns(9))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == ["x"]
    assert hashlib.sha256((tmp_path / "x").read_bytes()).hexdigest() == before.sha256


def test_the_shard_has_no_name_before_it_is_whole(tmp_path, schema, make_columns):
    with ShardWriter(tmp_path / "x", schema) as shard_writer:
        shard_writer.write(make_columns(9))
        assert os.listdir(tmp_path) == [".writing.x"]
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "float16", "float64"])
def test_all_types_are_stored_as_they_are(tmp_path, dtype):
    schema = Schema((Feature("x", dtype, (2, 3)),))
    values = np.arange(24, dtype=dtype).reshape(4, 2, 3)
    write(tmp_path / "x", schema, {"x": values[:, ::-1]})
    records = np.fromfile(tmp_path / "x", np.uint8).reshape(4, -1)
    assert records[:, schema.columns["x"]].tobytes() == values[:, ::-1].tobytes()


def test_bins_of_tracks_may_be_missing_but_not_infinite(tmp_path):
    tracks = Schema((Feature("targets", "float16", (2, 1)),))
    columns = {"targets": np.array([[[1], [np.nan]]], np.float16)}
    write(tmp_path / "x", tracks, columns)
    columns["targets"][0, 1, 0] = np.inf
    with pytest.raises(InputError, match="targets: row 0 holds"):
        write(tmp_path / "y", tracks, columns)
