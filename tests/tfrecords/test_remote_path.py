"""A path at a URL answers as one of this machine does, and has patience with a network."""

import pickle
import threading
import time

import pytest

from tfrecords import remote_path
from tfrecords.errors import InputError
from tfrecords.remote_path import RemotePath, is_remote, path_of


class NetworkError(Exception):
    """As libraries have them that talk to a network."""

    __module__ = "aiohttp.client_exceptions"


@pytest.fixture
def file(bucket, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "name.txt").write_bytes(b"0123456789")
    return path_of("bucket://b/name.txt")


def test_what_is_remote(tmp_path):
    assert is_remote("gs://bucket/data")
    assert not is_remote("runs/data")
    assert not is_remote(tmp_path)
    assert path_of("runs/data").name == "data"


def test_it_answers_as_a_local_path_does(file, bucket, tmp_path):
    local = tmp_path / "b" / "name.txt"
    folder = path_of("bucket://b/")
    assert (folder / "name.txt", hash(folder / "name.txt")) == (file, hash(file))
    assert str(file) == "bucket://b/name.txt"
    for path, like in (
        (file, local),
        (folder, local.parent),
        (folder / "none", local.parent / "none"),
        (file / "none", local / "none"),
    ):
        assert (path.is_file(), path.is_dir()) == (like.is_file(), like.is_dir())
        assert path.name == like.name
    assert file.read_text() == local.read_text()
    assert file.read_range(2, 5) == b"234"
    assert path_of(file) is file
    assert file.parent == folder
    assert file.absolute() == file
    assert pickle.loads(pickle.dumps(file)) == file
    with pytest.raises(FileNotFoundError):
        (folder / "none").read_text()


def test_files_are_written_copied_listed_and_removed(file, tmp_path):
    folder = path_of("bucket://b")
    (folder / "deep" / "er").write_bytes(b"abc")
    (folder / "copy").upload(tmp_path / "b" / "name.txt")
    assert folder.files() == {"copy": 10, "deep/er": 3, "name.txt": 10}
    (folder / "deep" / "er").download(tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"abc"
    before = file.version()
    assert file.version() == before
    file.write_bytes(b"another content")
    assert file.version() != before
    for _ in range(2):
        file.remove()
    assert folder.files() == {"copy": 10, "deep/er": 3}
    assert path_of("bucket://nowhere").files() == {}


def test_folders_are_made_where_there_are_any(tmp_path):
    folder = path_of(f"file://{tmp_path}/new")
    (folder / "a" / "b").write_bytes(b"one")
    (folder / "c" / "d").upload(tmp_path / "new" / "a" / "b")
    assert folder.files() == {"a/b": 3, "c/d": 3}


def test_the_sha256_is_that_of_the_bytes(file, monkeypatch):
    monkeypatch.setattr(remote_path, "BLOCK_BYTES", 4)
    # printf 0123456789 | sha256sum
    digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
    assert file.sha256() == digest


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), TimeoutError(), NetworkError("x")]
)
def test_what_may_pass_is_tried_again(file, bucket, monkeypatch, error):
    pauses = []
    monkeypatch.setattr(threading.Event, "wait", lambda self, seconds: bool(pauses.append(seconds)))
    bucket.broken = error
    with pytest.raises(InputError) as caught:
        file.read_bytes()
    bucket.broken = None
    said = str(error) or "TimeoutError"
    assert str(caught.value) == (
        f"bucket://b/name.txt: {said}; tried 8 times in 0 s. When the network is up again, "
        "give the same command"
    )
    assert bucket.requests["cat name.txt"] == 8
    # Each pause is twice as long as the one before, up to half of it more or less.
    assert len(pauses) == 7
    for number, pause in enumerate(pauses):
        assert 0.5 <= pause / (0.001 * 2**number) <= 1.5
    assert len({pause / 2**number for number, pause in enumerate(pauses)}) == 7


def test_a_failure_now_and_then_does_not_show(file, bucket):
    bucket.failing = 0.5
    for _ in range(20):
        assert file.read_bytes() == b"0123456789"
    assert bucket.requests["cat name.txt"] > 25


def test_half_an_answer_is_no_answer(file, bucket):
    with pytest.raises(
        InputError, match=r"name.txt: 4 bytes came of 14 from byte 6; tried 8 times"
    ):
        file.read_range(6, 20)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (FileNotFoundError("b/name.txt"), FileNotFoundError, "b/name.txt"),
        (PermissionError("Forbidden"), InputError, r"txt: no permission \(Forbidden\); log in, or"),
        (ZeroDivisionError("a bug"), ZeroDivisionError, "a bug"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(file, bucket, error, kind, message):
    bucket.broken = error
    with pytest.raises(kind, match=message):
        file.read_bytes()
    assert bucket.requests["cat name.txt"] == 1


def test_a_file_that_vanished_while_it_was_read(file):
    file.remove()
    with pytest.raises(InputError, match=r"bucket://b/name.txt: this file is not there any more"):
        file.read_range(0, 5)


def test_pauses_end_when_nobody_waits_any_more(file, bucket, monkeypatch):
    monkeypatch.setattr(remote_path, "_FIRST_PAUSE", 60.0)
    bucket.broken = ConnectionResetError("reset")
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(InputError, match="tried 1 times"):
        file.read_range(0, 5, cancelled=cancelled)
    assert time.monotonic() - started < 30  # Not a measurement: the pause alone is longer.


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "gs://b/data",
            r"gs://b/data: a package for such URLs is missing; pip install 'genokeras\[",
        ),
        (
            "gx://b/data",
            "gx://b/data: Protocol not known: gx; expected a folder of this machine, or",
        ),
    ],
)
def test_urls_that_cannot_be_opened(url, message, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(InputError, match=message):
        RemotePath(url)
