"""Only shards that are complete, unchanged and of the same plan are taken over."""

import hashlib

import pytest

from data_prep.resume import FinishedShards
from tfrecords.manifest import Shard


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dataset").mkdir()
    return tmp_path / "dataset"


def shard(folder, name, content=b"records"):
    (folder / name).write_bytes(content)
    return Shard(name, 1, len(content), hashlib.sha256(content).hexdigest())


def reopen(folder, digest="plan"):
    return FinishedShards(folder, folder.parent / "finished.jsonl", digest)


def test_noted_shards_are_taken_over(folder):
    finished = reopen(folder)
    noted = [shard(folder, "a"), shard(folder, "b")]
    for one in noted:
        finished.add(one)
    assert list(reopen(folder).shards.values()) == noted
    assert list(reopen(folder).shards.values()) == noted


def test_shards_of_another_plan_are_thrown_away(folder):
    reopen(folder).add(shard(folder, "a"))
    assert reopen(folder, "another plan").shards == {}
    assert list(folder.iterdir()) == []
    assert reopen(folder).shards == {}


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damaged_shards_are_not_taken_over(folder, damage):
    finished = reopen(folder)
    finished.add(shard(folder, "a"))
    finished.add(shard(folder, "b"))
    if damage == "changed":
        (folder / "a").write_bytes(b"recordz")
    else:
        (folder / "a").unlink()
    assert list(reopen(folder).shards) == ["b"]


def test_line_cut_short_is_forgotten(folder):
    finished = reopen(folder)
    finished.add(shard(folder, "a"))
    finished.add(shard(folder, "b"))
    journal = folder.parent / "finished.jsonl"
    journal.write_text(journal.read_text()[:-10])
    resumed = reopen(folder)
    assert list(resumed.shards) == ["a"]
    resumed.add(shard(folder, "c"))
    assert list(reopen(folder).shards) == ["a", "c"]
