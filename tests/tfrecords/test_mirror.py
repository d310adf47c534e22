"""Remote datasets in the cache: batches of the local one, fetched once, whole or not at all."""

import itertools
import json
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from tfrecords import mirror, reader
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

URL = "bucket://b/data"
SHARD = "mini-train.tfrecord-00001-of-00003"
STAND_IN = pathlib.Path(__file__).parents[1] / "stand_in"


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "b").mkdir()
    return tmp_path / "b" / "data"


@pytest.fixture
def dataset(bucket, data_dir, save, make_columns):
    """A dataset of 30 rows in three shards, at `URL`."""
    return save(make_columns(30), folder=data_dir)


def cached(tmp_path, pattern="*"):
    return sorted(path.name for path in tmp_path.glob(f"cache/*/{pattern}"))


def equal(ours, theirs):
    for our, their in itertools.zip_longest(ours, theirs):
        assert our.keys() == their.keys()
        for name in our:
            np.testing.assert_array_equal(our[name], their[name])


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_batches_are_those_of_the_local_dataset(
    bucket, data_dir, save, make_columns, compression, monkeypatch
):
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 12)
    local = save(make_columns(30), folder=data_dir, compression=compression).split("train")
    bucket.seconds, bucket.failing = 0.002, 0.3
    remote = Dataset(URL).split("train")
    assert not remote.is_streamed
    for split in (remote, pickle.loads(pickle.dumps(remote))):
        for batches in (
            lambda split: itertools.islice(split.train_batches(3, batch_size=4, seed=1), 20),
            lambda split: split.eval_batches(4),
            lambda split: split.eval_batches(4, limit=9, host=1, num_hosts=2),
        ):
            equal(batches(split), batches(local))


def test_it_is_fetched_once_and_anew_if_something_is_lost(dataset, bucket, tmp_path):
    remote = Dataset(URL)
    assert remote.manifest == dataset.manifest
    assert not (tmp_path / "cache").exists()
    remote.split("train")
    assert cached(tmp_path, "mini-*") == sorted(
        path.name for path in (tmp_path / "b/data").glob("mini-*")
    )
    bucket.requests.clear()
    Dataset(URL).split("train")
    assert set(bucket.requests) == {"cat manifest.json"}
    (path,) = tmp_path.glob(f"cache/*/{SHARD}")
    whole = path.read_bytes()
    for lose in (path.unlink, lambda: path.write_bytes(whole[:-1])):
        lose()
        bucket.requests.clear()
        Dataset(URL).split("train")
        assert path.read_bytes() == whole
        assert set(bucket.requests) == {"cat manifest.json", "find data", f"cat {SHARD}"}


def test_only_the_splits_that_are_opened_are_fetched(dataset, bucket, data_dir, save, make_columns):
    path = data_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    save(make_columns(8), split="valid", folder=data_dir)
    manifest["splits"]["valid"] = json.loads(path.read_text())["splits"]["valid"]
    path.write_text(json.dumps(manifest))
    assert Dataset(URL).split("valid").num_examples == 8
    assert {name for name in bucket.requests if "-train." in name} == set()
    assert bucket.num_bytes < 8 * dataset.manifest.schema.stride + 2 * path.stat().st_size


def test_the_progress_bar_counts_megabytes(dataset, bucket, bar, monkeypatch):
    monkeypatch.setattr(mirror, "_MB", 100)
    monkeypatch.setattr(mirror, "BLOCK_BYTES", 30)
    shown = []
    Dataset(URL, progress=lambda *what: shown.append(what) or bar).split("train")
    size = 30 * dataset.manifest.schema.stride
    assert shown == [("Fetching train (MB)", -(-size // 100))]
    assert bar.done == -(-size // 100)
    assert bar.is_closed
    Dataset(URL, progress=lambda *what: shown.append(what) or bar).split("train")
    assert len(shown) == 1


def test_shards_that_come_together_do_not_wait_for_each_other(dataset, bucket):
    bucket.seconds = 0.2
    Dataset(URL).split("train")
    assert bucket.most_at_once == 3


def flip(path):
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip, "its sha256 is not the one in the manifest; upload the dataset again, or give "),
        (lambda path: path.write_bytes(b"x"), r"has 1 bytes, the manifest gives \d+; upload the"),
        (lambda path: path.unlink(), "this file is missing; upload the dataset again, or give"),
    ],
)
def test_a_shard_that_is_not_the_one_described(dataset, data_dir, tmp_path, damage, message):
    damage(data_dir / SHARD)
    with pytest.raises(InputError, match=f"bucket://b/data/{SHARD}: {message}"):
        Dataset(URL).split("train")
    assert SHARD not in cached(tmp_path)
    assert cached(tmp_path, ".writing*") == []


def test_a_network_that_is_gone(dataset, bucket, tmp_path):
    remote = Dataset(URL)
    bucket.broken = ConnectionResetError("connection reset")
    with pytest.raises(
        InputError, match=r"^bucket://b/data: connection reset; tried 8 times in \d+"
    ):
        remote.split("train")
    with pytest.raises(
        InputError, match=r"^bucket://b/data/manifest.json: connection reset; tried"
    ):
        Dataset(URL)
    assert cached(tmp_path) == []


def test_places_without_a_dataset(dataset, bucket, data_dir):
    with pytest.raises(InputError, match=r"^bucket://nowhere/data: no such folder; build_dataset"):
        Dataset("bucket://nowhere/data")
    with pytest.raises(InputError, match=r"^bucket://b: not a dataset, it has no manifest.json"):
        Dataset("bucket://b")
    with pytest.raises(
        InputError, match=rf"data/{SHARD}: a file, expected the folder of a dataset"
    ):
        Dataset(f"{URL}/{SHARD}")


KILLED = """
import sys, stand_in_bucket
from tfrecords.reader import Dataset
bucket = stand_in_bucket.register(sys.argv[1])
bucket.seconds = float(sys.argv[2])
Dataset("bucket://b/data", cache_dir=sys.argv[1] + "/cache").split("train").read(range(3000))
print(sum(number for what, number in bucket.requests.items() if "tfrecord" in what))
"""


def mirror_elsewhere(folder, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(seconds)],
        env={"PYTHONPATH": f"{STAND_IN}:{STAND_IN.parents[1]}"},
        stdout=subprocess.PIPE,
    )


def test_killed_on_the_way_it_goes_on(bucket, data_dir, tmp_path, save, make_columns):
    """What has its final name is whole; what was whole is not fetched again."""
    save(make_columns(3000), folder=data_dir, num_shards=40)
    shards = {path.name: path.read_bytes() for path in data_dir.glob("mini-*")}
    process = mirror_elsewhere(tmp_path, 0.2)
    deadline = time.monotonic() + 60
    while len(cached(tmp_path, "mini-*")) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    complete = list(tmp_path.glob("cache/*/mini-*"))
    assert 8 <= len(complete) < 40
    for path in complete:
        assert path.read_bytes() == shards[path.name]
    again = mirror_elsewhere(tmp_path, 0)
    assert int(again.communicate(timeout=60)[0]) == 40 - len(complete)
    assert again.returncode == 0


def test_two_processes_at_once_share_the_work(bucket, data_dir, tmp_path, save, make_columns):
    save(make_columns(3000), folder=data_dir, num_shards=8)
    processes = [mirror_elsewhere(tmp_path, 0.5) for _ in range(2)]
    fetched = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(fetched) == 8


def test_whoever_waits_for_another_process_can_be_cancelled(tmp_path):
    cancelled = threading.Event()
    with mirror._locked(tmp_path / "lock", cancelled):
        threading.Timer(0.2, cancelled.set).start()
        with pytest.raises(CancelledError), mirror._locked(tmp_path / "lock", cancelled):
            pass


def test_damage_within_the_cache_names_the_folder_to_remove(dataset, tmp_path):
    Dataset(URL).split("train")
    (path,) = tmp_path.glob(f"cache/*/{SHARD}")
    flip(path)
    message = f"{path}: record 0 is damaged .*; remove {path.parent}, and it is fetched again"
    with pytest.raises(InputError, match=message):
        Dataset(URL).split("train").read(np.arange(30))


def test_gzip_shards_need_room(bucket, data_dir, save, make_columns, tmp_path, monkeypatch):
    save(make_columns(30), folder=data_dir, compression="gzip")
    monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", "0.000001")
    with pytest.raises(InputError, match=r"its GZIP shards take 0.0 GB in the cache .*--cache_dir"):
        Dataset(URL).split("train")
