"""A dataset folder appears whole or not at all, and nothing of anybody else's is ever lost."""

import errno
import pathlib

import pytest

from data_prep.destination import Destination, UnfinishedError
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest, Shard
from tfrecords.schema import Feature, Schema

SCHEMA = Schema((Feature("row", "int64", ()),))


def manifest(name):
    return Manifest(name, SCHEMA, {"train": (Shard(f"{name}-train", 1, 3, "0"),)})


def fill(folder, name="x"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-train").write_bytes(b"abc")
    manifest(name).save(folder)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_build_appears_as_a_whole(tmp_path):
    destination = Destination(tmp_path / "deep" / "data")
    with destination.open():
        fill(destination.new)
        assert files(tmp_path / "deep") == [".data.building"]
        destination.publish()
    assert files(tmp_path / "deep") == ["data"]
    assert files(tmp_path / "deep" / "data") == ["manifest.json", "x-train"]
    assert destination.load() == manifest("x")


@pytest.mark.parametrize("error", [InputError("wrong"), OSError(errno.ENOSPC, "No space left")])
def test_an_error_leaves_nothing_not_even_new_parents(tmp_path, error):
    with pytest.raises(type(error)), Destination(tmp_path / "a" / "b" / "data").open():
        raise error
    assert files(tmp_path) == []


def test_folders_that_were_there_stay(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError), Destination(tmp_path / "a" / "b" / "data").open():
        raise InputError("wrong")
    assert files(tmp_path) == ["a"]


def test_disk_full_names_the_dataset(tmp_path):
    with (
        pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/data'"),
        Destination(tmp_path / "data").open(),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, UnfinishedError])
def test_being_interrupted_leaves_the_work_for_the_next_time(tmp_path, error):
    def build():
        with Destination(tmp_path / "data").open():
            (tmp_path / ".data.building" / "dataset" / "shard").touch()
            raise error

    with pytest.raises(error):
        build()
    assert files(tmp_path / ".data.building" / "dataset") == ["shard"]


def test_replacing_swaps_whole_folders(tmp_path):
    fill(tmp_path / "data", "old")
    destination = Destination(tmp_path / "data")
    with destination.open():
        fill(destination.new, "new")
        assert destination.load() == manifest("old")
        destination.publish()
    assert files(tmp_path) == ["data"]
    assert files(tmp_path / "data") == ["manifest.json", "new-train"]


def test_killed_between_the_two_renames_the_old_dataset_comes_back(tmp_path, monkeypatch):
    fill(tmp_path / "data", "old")
    destination = Destination(tmp_path / "data")
    renames, rename = [], pathlib.Path.rename

    def rename_once(self, target):
        renames.append(target)
        if len(renames) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    destination.new.mkdir(parents=True)
    fill(destination.new, "new")
    monkeypatch.setattr(pathlib.Path, "rename", rename_once)
    with pytest.raises(KeyboardInterrupt):
        destination.publish()
    assert "data" not in files(tmp_path)
    assert Destination(tmp_path / "data").load() == manifest("old")
    assert files(tmp_path) == [".data.building", "data"]


def test_two_builds_of_one_dataset_do_not_mix(tmp_path):
    first, second = Destination(tmp_path / "data"), Destination(tmp_path / "data")
    with first.open():
        fill(first.new)
        with (
            pytest.raises(InputError, match="data is being built by another process; wait until"),
            second.open(),
        ):
            pass
        first.publish()
    assert files(tmp_path / "data") == ["manifest.json", "x-train"]


def test_killed_after_the_renames_the_rest_is_cleared_up_unless_it_is_in_use(tmp_path):
    fill(tmp_path / "data")
    (tmp_path / ".data.replaced").mkdir()
    with Destination(tmp_path / "data").open():
        Destination(tmp_path / "data").clear_up()
        assert files(tmp_path) == [".data.building", "data"]
    Destination(tmp_path / "data").clear_up()
    assert files(tmp_path) == ["data"]


def test_places_that_are_taken(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file is a file; give a new or an empty folder as --data"):
        Destination(tmp_path / "file").load()
    (tmp_path / "folder").mkdir()
    assert Destination(tmp_path / "folder").load() is None
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    with pytest.raises(
        InputError, match="folder holds files but no manifest.json, so it is no dat"
    ):
        Destination(tmp_path / "folder").load()


def test_files_that_are_not_of_the_dataset_are_not_deleted_with_it(tmp_path):
    fill(tmp_path / "data")
    destination = Destination(tmp_path / "data")
    destination.check_replaceable(destination.load())
    (tmp_path / "data" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="also holds notes.txt, which --overwrite would delete"):
        destination.check_replaceable(destination.load())


def test_intact_means_all_shards_are_there_with_their_sizes(tmp_path):
    fill(tmp_path / "data")
    destination = Destination(tmp_path / "data")
    assert destination.is_intact(manifest("x"))
    (tmp_path / "data" / "x-train").write_bytes(b"ab")
    assert not destination.is_intact(manifest("x"))
    (tmp_path / "data" / "x-train").unlink()
    assert not destination.is_intact(manifest("x"))


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk" / "data")
    destination = Destination(tmp_path / "data")
    with destination.open():
        fill(destination.new)
        destination.publish()
    assert (tmp_path / "data").is_symlink()
    assert files(tmp_path / "disk") == ["data"]


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path):
    Destination(tmp_path / "a" / "b" / "data").check_writable()
    assert files(tmp_path) == []
    (tmp_path / "file").write_text("mine")
    message = f"^--data_dir={tmp_path}/file/b/data: {tmp_path}/file is a file, not a folder$"
    with pytest.raises(InputError, match=message):
        Destination(tmp_path / "file" / "b" / "data").check_writable()
