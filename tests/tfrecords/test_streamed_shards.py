"""Records read over a network as they are needed: the same batches, few bytes, bounded memory."""

import itertools
import pickle
import time

import numpy as np
import pytest

from tfrecords import reader, streamed_shards
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.remote_path import path_of
from tfrecords.streamed_shards import StreamedShards

URL = "bucket://b/data"
SHARD = "mini-train.tfrecord-00001-of-00003"


@pytest.fixture
def data_dir(tmp_path, bucket, monkeypatch):
    """Where the dataset at `URL` lies, for which the cache has no room."""
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", "0")
    (tmp_path / "b").mkdir()
    return tmp_path / "b" / "data"


@pytest.fixture
def streamed(data_dir, save, make_columns):
    """Returns a function that opens rows as a streamed split, and as a local one."""

    def open_both(num_rows):
        local = save(make_columns(num_rows), folder=data_dir).split("train")
        remote = Dataset(URL).split("train")
        assert remote.is_streamed
        assert not local.is_streamed
        return remote, local

    return open_both


def equal(ours, theirs):
    count = 0
    for our, their in itertools.zip_longest(ours, theirs):
        assert our.keys() == their.keys()
        for name in our:
            np.testing.assert_array_equal(our[name], their[name])
        count += 1
    return count


def take(batches, count):
    return itertools.islice(batches, count)


@pytest.mark.parametrize("shuffle_block", [1, 16])
@pytest.mark.parametrize("num_hosts", [1, 2])
def test_batches_are_those_of_the_local_dataset(
    streamed, bucket, shuffle_block, num_hosts, monkeypatch, tmp_path
):
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 24)
    remote, local = streamed(200)
    bucket.seconds, bucket.failing = 0.001, 0.1
    options = {"batch_size": 8, "seed": 3, "shuffle_block": shuffle_block, "num_hosts": num_hosts}
    for host in range(num_hosts):
        batches = [x.train_batches(20, host=host, **options) for x in (remote, local)]
        assert equal(*(take(batch, 30) for batch in batches)) == 30
        assert equal(*(x.eval_batches(16, host=host, num_hosts=num_hosts) for x in (remote, local)))
    rows = np.random.default_rng(0).integers(0, 200, 300)
    again = pickle.loads(pickle.dumps(remote))
    equal([remote.read(rows), again.read(rows[:0])], [local.read(rows), local.read(rows[:0])])
    equal([again.train_batch(1, 2, **options)], [local.train_batch(1, 2, **options)])
    assert [str(file) for file in remote.files] == [f"{URL}/{file.name}" for file in local.files]
    assert not list((tmp_path / "cache").glob("*/*"))


@pytest.mark.parametrize(("limit", "most"), [(100, 80), (39, 40), (10_000, 32 * 40)])
def test_memory_is_bounded(streamed, limit, most, monkeypatch):
    """Of stretches of 40 rows: as many as fit into the limit, one if none does, 32 at most."""
    remote, local = streamed(1000)
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 40)
    monkeypatch.setattr(streamed_shards, "_AHEAD_BYTES", limit * remote.schema.stride)
    held, log = set(), []
    ask, answer = StreamedShards._ask, StreamedShards._answer

    def asking(self, rows, cancelled):
        asked = ask(self, rows, cancelled)
        held.add(id(asked))
        log.append(40 * len(held))
        return asked

    def answering(self, asked):
        held.remove(id(asked))
        return answer(self, asked)

    monkeypatch.setattr(StreamedShards, "_ask", asking)
    monkeypatch.setattr(StreamedShards, "_answer", answering)
    options = {"batch_size": 20, "seed": 0, "shuffle_block": 16}
    equal(*(take(split.train_batches(0, **options), 300) for split in (remote, local)))
    assert max(log) == most


def test_an_epoch_fetches_little_more_than_the_dataset(streamed, bucket, monkeypatch):
    """Runs of 256 rows: the bytes of the dataset, and hardly more requests than runs."""
    remote, _ = streamed(10_000)
    # Five stretches an epoch; none is asked for ahead, and gaps are not read.
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 2048)
    monkeypatch.setattr(streamed_shards, "_AHEAD_BYTES", 1)
    monkeypatch.setattr(streamed_shards, "_GAP_BYTES", 0)
    counts = {}
    for block in (256, 1):
        bucket.requests.clear()
        bucket.num_bytes = 0
        batches = remote.train_batches(0, batch_size=64, seed=0, shuffle_block=block)
        assert len(list(take(batches, 156))) == 156
        size = 156 * 64 * remote.schema.stride
        assert bucket.num_bytes == size
        counts[block] = sum(bucket.requests.values())
    # 39 runs; one may be cut by the end of a stretch, of a shard or of the rows.
    assert counts[256] <= 39 + 5 + 3 + 1
    assert counts[1] > 100 * counts[256]


def test_neighbours_come_with_one_request(monkeypatch):
    monkeypatch.setattr(streamed_shards, "_GAP_BYTES", 100)
    monkeypatch.setattr(streamed_shards, "_REQUEST_BYTES", 1000)
    cases = {
        # Rows of 100 bytes: a gap of one row is read over, one of two is not.
        (0, 1, 3, 6, 7): [0, 3],
        # Requests end after ten rows.
        tuple(range(25)): [0, 10, 20],
        (5,): [0],
        (): [],
        (0, 100, 200): [0, 1, 2],
    }
    for rows, starts in cases.items():
        rows = np.array(rows, np.int64)
        found = streamed_shards._request_starts(rows, np.zeros(len(rows), int), 100)
        assert found.tolist() == starts
    found = streamed_shards._request_starts(np.arange(6), np.array([0, 0, 1, 1, 1, 4]), 100)
    assert found.tolist() == [0, 2, 5]


def test_requests_are_under_way_together_and_ahead(streamed, bucket, monkeypatch):
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 10)
    monkeypatch.setattr(streamed_shards, "_GAP_BYTES", 0)
    remote, _ = streamed(500)
    bucket.seconds, bucket.most_at_once = 0.2, 0
    next(remote.train_batches(0, batch_size=10, seed=0))
    assert bucket.most_at_once == 16


def test_what_nobody_waits_for_is_not_fetched(streamed, bucket, monkeypatch):
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 10)
    monkeypatch.setattr(streamed_shards, "_GAP_BYTES", 0)
    remote, _ = streamed(500)
    bucket.seconds = 0.05
    batches = remote.train_batches(0, batch_size=10, seed=0)
    next(batches)
    batches.close()
    asked = sum(bucket.requests.values())
    time.sleep(0.5)
    assert sum(bucket.requests.values()) <= asked + 16
    assert asked < 200


def test_a_damaged_record_is_found_whenever_it_comes(streamed, data_dir):
    remote, _ = streamed(15)
    path, stride = data_dir / SHARD, remote.schema.stride
    content = bytearray(path.read_bytes())
    content[2 * stride + 40] ^= 255
    path.write_bytes(content)
    remote.read([0, 5, 6, 8, 14])
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            remote.read([3, 7, 7])
        assert str(caught.value) == (
            f"{URL}/{SHARD}: record 2 is damaged (its checksum or its frame is wrong); upload the "
            "dataset again, or give another --data_dir"
        )
    with pytest.raises(InputError, match=f"{SHARD}: record 2 is damaged"):
        next(remote.train_batches(0, batch_size=15, seed=0))


def test_a_network_or_a_shard_that_is_gone(streamed, bucket, data_dir):
    remote, _ = streamed(15)
    batches = remote.train_batches(0, batch_size=5, seed=0)
    next(batches)
    bucket.broken = ConnectionResetError("connection reset")
    with pytest.raises(
        InputError, match=r"^bucket://b/data/mini-.*: connection reset; tried 8 time"
    ):
        remote.read([3])
    bucket.broken = None
    (data_dir / SHARD).unlink()
    with pytest.raises(
        InputError, match=f"^{URL}/{SHARD}: this file is not there any more; put it"
    ):
        remote.read([7])


def test_shards_are_looked_for_when_the_split_is_opened(streamed, data_dir):
    streamed(15)
    (data_dir / SHARD).write_bytes(b"x")
    with pytest.raises(InputError, match=f"{URL}/{SHARD}: has 1 bytes, the manifest gives"):
        Dataset(URL).split("train")
    manifest = Manifest.load(data_dir)
    schema = manifest.schema.without("row")
    with pytest.raises(
        InputError, match=r"-00000-of-00003: the manifest gives 5 records in \d+ by"
    ):
        StreamedShards(path_of(URL), manifest.splits["train"], schema)


def test_it_is_streamed_only_where_there_is_no_room(streamed, data_dir, monkeypatch, tmp_path):
    streamed(3000)
    size = sum(path.stat().st_size for path in data_dir.glob("mini-*"))
    for limit, is_streamed in ((size - 1, True), (size, False), (0, False)):
        monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", str(limit / 1e9))
        # The last time the copies are there already.
        assert Dataset(URL).split("train").is_streamed == is_streamed
