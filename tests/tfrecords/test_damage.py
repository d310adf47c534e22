"""Whatever happens to a shard, the reader says which file and which record, and the way out."""

import json
import os

import numpy as np
import pytest

from tfrecords.errors import InputError
from tfrecords.reader import Dataset

SHARD = "mini-train.tfrecord-00001-of-00003"


@pytest.fixture
def data_dir(tmp_path, save, make_columns):
    save(make_columns(15))
    return tmp_path


def read_all(data_dir):
    return Dataset(data_dir).split("train").read(np.arange(15))


def test_a_flipped_byte_anywhere(data_dir, schema):
    path = data_dir / SHARD
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        record = position // schema.stride
        message = f"{SHARD}: record {record} is damaged .*copy the shard again or rebuild"
        with pytest.raises(InputError, match=message):
            read_all(data_dir)
    path.write_bytes(whole)
    read_all(data_dir)


def test_only_the_damaged_record_is_refused(data_dir, schema):
    path = data_dir / SHARD
    content = bytearray(path.read_bytes())
    content[2 * schema.stride + 40] ^= 255
    path.write_bytes(content)
    split = Dataset(data_dir).split("train")
    split.read([0, 5, 6, 8, 14])
    for _ in range(2):
        with pytest.raises(InputError, match=f"{SHARD}: record 2 is damaged"):
            split.read([3, 7, 7])


def test_training_stops_at_a_damaged_record(data_dir):
    path = data_dir / SHARD
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    split = Dataset(data_dir).split("train")
    with pytest.raises(InputError, match=f"{SHARD}: record 4 is damaged"):
        next(split.train_batches(0, batch_size=15, seed=0))


@pytest.mark.parametrize("lost", [1, 40])
def test_a_truncated_shard_names_the_record_cut_off(data_dir, schema, lost):
    path = data_dir / SHARD
    path.write_bytes(path.read_bytes()[:-lost])
    size = 5 * schema.stride
    message = f"{SHARD}: truncated in record 4, it has {size - lost} bytes of {size}"
    with pytest.raises(InputError, match=message):
        read_all(data_dir)


def test_a_shard_with_more_than_the_manifest_says(data_dir):
    path = data_dir / SHARD
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputError, match=rf"{SHARD}: has \d+ bytes, 5 records of \d+ bytes are"):
        read_all(data_dir)


def test_a_missing_shard(data_dir):
    (data_dir / SHARD).unlink()
    with pytest.raises(InputError, match=f"{SHARD}: this shard is missing; copy the shard again"):
        Dataset(data_dir).split("train")


def edit(data_dir, change):
    path = data_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_records_of_another_size(data_dir):
    edit(data_dir, lambda manifest: manifest["schema"][0].update(dtype="int32"))
    with pytest.raises(
        InputError, match=r"-00000-of-00003: the manifest gives 5 records in \d+ by"
    ):
        read_all(data_dir)


def test_records_of_the_same_size_and_other_fields(data_dir):
    edit(data_dir, lambda manifest: manifest["schema"][0].update(name="wor"))
    with pytest.raises(InputError, match="-00000-of-00003: record 0 is damaged"):
        read_all(data_dir)


def test_a_folder_as_a_shard(data_dir):
    (data_dir / SHARD).unlink()
    (data_dir / SHARD).mkdir()
    with pytest.raises(InputError, match=f"{SHARD}: this shard is missing"):
        read_all(data_dir)


def test_a_record_is_checked_once(data_dir, monkeypatch):
    split = Dataset(data_dir).split("train")
    layout = split.schema.layout
    checked, damaged = [], layout.damaged
    monkeypatch.setattr(
        layout, "damaged", lambda records: checked.append(len(records)) or damaged(records)
    )
    split.read([0, 5, 10])
    split.read(np.arange(15))
    split.read(np.arange(15))
    assert sum(checked) == 15


def test_a_shard_that_is_cut_short_while_it_is_read(data_dir, schema):
    """The kernel would end the process (SIGBUS): its pages are not there any more."""
    path = data_dir / SHARD
    split = Dataset(data_dir).split("train")
    before = split.read([0, 5, 14])
    size = 5 * schema.stride
    os.truncate(path, 100)
    with pytest.raises(InputError) as error:
        split.read([0, 5, 14])
    assert str(error.value) == (
        f"{path}: was cut short while it was read, to 100 bytes of {size}; copy the shard again or "
        "rebuild the dataset"
    )
    np.testing.assert_array_equal(split.read([0, 14])["row"], before["row"][[0, 2]])


def test_a_shard_that_is_removed_or_replaced_while_it_is_read_stays_what_it_was(data_dir):
    split = Dataset(data_dir).split("train")
    before = split.read([5, 6])
    (data_dir / SHARD).unlink()
    (data_dir / SHARD).write_bytes(b"another")
    after = split.read([5, 6])
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)
