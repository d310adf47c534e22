"""GZIP shards give the batches of plain ones, are expanded once, and are checked before."""

import collections
import dataclasses
import gzip
import hashlib
import itertools
import json
import pickle

import numpy as np
import pytest
import tensorflow as tf

from tfrecords import cache as cache_module
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.writer import ShardWriter

SHARD = "mini-train.tfrecord-00001-of-00003"
REBUILD = "copy the shard again or rebuild the dataset"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder that the environment names."""
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def data_dir(cache, save, make_columns, tmp_path):
    save(make_columns(15), folder=tmp_path / "zipped", compression="gzip")
    return tmp_path / "zipped"


def expanded(cache):
    return {path.name: path for path in cache.glob("*/*")}


def test_batches_are_those_of_the_plain_dataset(data_dir, save, make_columns, tmp_path):
    plain = save(make_columns(15), folder=tmp_path / "plain").split("train")
    zipped = Dataset(data_dir).split("train")
    for open_batches in (
        lambda split: itertools.islice(split.train_batches(0, batch_size=4, seed=1), 7),
        lambda split: split.eval_batches(4),
        lambda split: pickle.loads(pickle.dumps(split)).eval_batches(4),
    ):
        for ours, theirs in zip(open_batches(zipped), open_batches(plain), strict=True):
            assert ours.keys() == theirs.keys()
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name])


def test_shards_are_the_gzip_files_of_the_plain_ones(data_dir, save, make_columns, tmp_path):
    plain = save(make_columns(15), folder=tmp_path / "plain")
    assert [path.name for path in plain.split("train").files] == sorted(
        path.name for path in data_dir.glob("mini-*")
    )
    for path, shard in zip(
        plain.split("train").files, Manifest.load(data_dir).splits["train"], strict=True
    ):
        content = (data_dir / shard.file).read_bytes()
        assert gzip.decompress(content) == path.read_bytes()
        assert shard.num_bytes == len(content)
        assert shard.sha256 == hashlib.sha256(content).hexdigest()


def test_tensorflow_reads_them(data_dir, save, make_columns, tmp_path):
    plain = [str(path) for path in save(make_columns(15)).split("train").files]
    zipped = [str(path) for path in sorted(data_dir.glob("mini-*"))]
    records = tf.data.TFRecordDataset(zipped, compression_type="GZIP").as_numpy_iterator()
    assert list(records) == list(tf.data.TFRecordDataset(plain).as_numpy_iterator())


def test_the_same_records_give_the_same_bytes_at_any_time(tmp_path, schema, make_columns):
    digests = set()
    for name in ("a", "b"):
        with ShardWriter(tmp_path / name, schema, "gzip") as writer:
            writer.write(make_columns(9))
        digests.add(writer.shard.sha256)
        # RFC 1952: deflate, no file name; the time is 0.
        assert (tmp_path / name).read_bytes()[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert len(digests) == 1
    with pytest.raises(InputError, match="compression 'xz', expected one of none, gzip"):
        ShardWriter(tmp_path / "c", schema, "xz")


def test_it_is_expanded_once_and_anew_if_something_is_lost(data_dir, cache):
    Dataset(data_dir).split("train")
    (folder,) = cache.iterdir()
    assert folder.name == Manifest.load(data_dir).sha256
    before = {name: path.stat().st_ino for name, path in expanded(cache).items()}
    assert len(before) == 3
    Dataset(data_dir).split("train")
    assert {name: path.stat().st_ino for name, path in expanded(cache).items()} == before
    path = expanded(cache)[SHARD]
    whole = path.read_bytes()
    for lose in (path.unlink, lambda: path.write_bytes(whole[:-1])):
        lose()
        Dataset(data_dir).split("train").read(np.arange(15))
        assert path.read_bytes() == whole


def test_the_cache_is_the_folder_asked_for(data_dir, cache, tmp_path, monkeypatch):
    Dataset(data_dir, cache_dir=tmp_path / "mine").split("train")
    assert len(expanded(tmp_path / "mine")) == 3
    assert not cache.exists()
    monkeypatch.delenv("GENOKERAS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Dataset(data_dir).split("train")
    assert len(expanded(tmp_path / "home" / ".cache" / "genokeras")) == 3


def test_a_plain_dataset_needs_no_cache(save, make_columns, cache):
    save(make_columns(15)).split("train")
    assert not cache.exists()


def change_one_byte(path):
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_one_byte, f"its sha256 is not the one in the manifest; {REBUILD}"),
        (lambda path: path.write_bytes(b"x"), r"has 1 bytes, the manifest gives \d+; copy the"),
        (lambda path: path.unlink(), f"this shard is missing; {REBUILD}"),
    ],
)
def test_a_damaged_shard_is_refused_before_it_is_expanded(data_dir, cache, damage, message):
    damage(data_dir / SHARD)
    with pytest.raises(InputError, match=f"zipped/{SHARD}: {message}"):
        Dataset(data_dir).split("train")
    assert SHARD not in expanded(cache)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-9], "cannot be decompressed .*; copy the shard again"),
        (lambda content: b"no GZIP file", "cannot be decompressed .*; copy the shard again"),
        (lambda content: content[:10] + b"\xff" + content[11:], "cannot be decompressed"),
        (lambda content: content + gzip.compress(b"x"), r"holds more than the \d+ bytes of its"),
        (lambda content: gzip.compress(b"x"), r"holds fewer than the \d+ bytes of its records"),
    ],
)
def test_a_shard_that_never_was_right(data_dir, cache, change, message):
    """As a manifest made by something else would describe it."""
    content = change((data_dir / SHARD).read_bytes())
    (data_dir / SHARD).write_bytes(content)
    manifest = Manifest.load(data_dir)
    digest = hashlib.sha256(content).hexdigest()
    shards = [
        dataclasses.replace(shard, num_bytes=len(content), sha256=digest)
        if shard.file == SHARD
        else shard
        for shard in manifest.splits["train"]
    ]
    dataclasses.replace(manifest, splits={"train": shards}).save(data_dir)
    with pytest.raises(InputError, match=f"{SHARD}: {message}"):
        Dataset(data_dir).split("train")
    assert set(expanded(cache)) == {"mini-train.tfrecord-00000-of-00003"}


def test_damage_within_the_cache_names_the_folder_to_remove(data_dir, cache):
    Dataset(data_dir).split("train")
    change_one_byte(expanded(cache)[SHARD])
    (folder,) = cache.iterdir()
    message = f"{folder}/{SHARD}: record 0 is damaged .*; remove {folder}, and it is expanded again"
    with pytest.raises(InputError, match=message):
        Dataset(data_dir).split("train").read([5])


def test_a_manifest_without_the_field_is_of_plain_shards(save, make_columns, tmp_path):
    save(make_columns(15))
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    del content["compression"]
    path.write_text(json.dumps(content))
    assert Dataset(tmp_path).split("train").num_examples == 15


@pytest.mark.parametrize("limit", ["many", "-1", "inf", "nan"])
def test_a_limit_that_is_none(data_dir, cache, monkeypatch, limit):
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", limit)
    with pytest.raises(InputError) as caught:
        Dataset(f"file://{data_dir}").split("train")
    assert str(caught.value) == (f"GENOKERAS_CACHE_LIMIT={limit}: expected a number of GB from 0")


def test_the_room_is_what_the_limit_leaves_or_the_disk(tmp_path, monkeypatch):
    """Free are 500 bytes of 2000; 5% of the disk, 100 bytes, are kept free."""
    usage = collections.namedtuple("usage", "total used free")(2000, 1500, 500)
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda path: usage)
    monkeypatch.delenv("GENOKERAS_CACHE_LIMIT", raising=False)
    folder = tmp_path / "not" / "there"
    assert cache_module.room(folder) == 400
    for limit, room in (("0.0000003", 300), ("1", 400), ("0", 0)):
        monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", limit)
        assert cache_module.room(folder) == room
    folder.mkdir(parents=True)
    (folder / "shard").write_bytes(bytes(120))
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", "0.0000003")
    assert cache_module.room(folder) == 180
