"""Input files at a URL are copied once, under their own name, and anew when they change."""

import pathlib

import pytest

from tfrecords.errors import InputError
from tfrecords.input_copies import local_copy


def test_a_file_is_copied_once_and_anew_when_it_has_changed(bucket, tmp_path):
    assert local_copy("a/b.txt") == pathlib.Path("a/b.txt")
    assert local_copy(tmp_path) == tmp_path
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.csv.gz").write_bytes(b"one")
    first = local_copy("bucket://b/x.csv.gz")
    assert first.is_relative_to(tmp_path / "cache" / "inputs")
    assert (first.name, first.read_bytes()) == ("x.csv.gz", b"one")
    assert local_copy("bucket://b/x.csv.gz") == first
    assert bucket.requests["get x.csv.gz"] == 1
    (tmp_path / "b" / "x.csv.gz").write_bytes(b"other")
    assert local_copy("bucket://b/x.csv.gz").read_bytes() == b"other"
    assert [path.name for path in first.parent.iterdir()] == ["x.csv.gz"]


def test_there_must_be_a_file(bucket):
    with pytest.raises(InputError, match=r"^bucket://b/none.csv: there is no such file$"):
        local_copy("bucket://b/none.csv")
