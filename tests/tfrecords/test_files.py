"""Files appear whole or not at all, and their hashes are those of the standard."""

import errno
import os

import pytest

from tfrecords.files import file_sha256, replacing, sync


@pytest.mark.parametrize(
    ("content", "digest"),
    [  # FIPS 180-2, and the hash of nothing.
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_sha256_of_known_content(tmp_path, content, digest):
    (tmp_path / "x").write_bytes(content)
    assert file_sha256(tmp_path / "x") == digest


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")

    def fail():
        with replacing(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_partial_file_is_hidden_and_keeps_the_ending(tmp_path):
    with replacing(tmp_path / "a.png") as partial:
        assert partial == tmp_path / ".writing.a.png"
        partial.touch()


@pytest.mark.parametrize("name", ["none/x", "full"])
def test_what_the_system_refuses_names_the_file_that_was_asked_for(tmp_path, name):
    """A folder that is not there, and a full disk, whose error names no file at all."""
    (tmp_path / ".writing.full").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"'{tmp_path}/{name}'$"), replacing(tmp_path / name) as new:
        new.write_text("new")
    assert not (tmp_path / name).exists()


def test_errors_without_a_number_stay_as_they_are(tmp_path):
    with pytest.raises(OSError, match="^not a picture$"), replacing(tmp_path / "x"):
        raise OSError("not a picture")


def test_what_the_disk_finds_only_when_it_is_asked_names_the_file(tmp_path, monkeypatch):
    """As network file systems do, which say nothing when they are written to."""

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "x").write_text("new")
    sync(tmp_path / "x")
    sync(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/x'$"):
        sync(tmp_path / "x")
