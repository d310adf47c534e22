"""What is said of a dataset that stands where another is to be built."""

import hashlib
import pathlib

import pytest

from data_prep.differences import another_dataset, describe_differences
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

FLAGS = {"files": {"train": ["a.csv", "b.csv"]}, "length": None, "target_columns": [], "seed": 0}


@pytest.fixture
def paths(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    return [str(tmp_path / name) for name in ("a.csv", "b.csv")]


def differences(paths, name="x", order=("a.csv", "b.csv"), **changes):
    """Compares a build of `paths` by `FLAGS` and changes to them with one by `FLAGS`."""
    inputs = tuple(
        {"file": file, "sha256": hashlib.sha256(file.encode()).hexdigest(), "num_rows": 1}
        for file in order
    )
    schema = Schema((Feature("row", "int64", ()),))
    manifest = Manifest("x", schema, {}, inputs=inputs, flags=FLAGS)
    return describe_differences(manifest, name=name, flags=FLAGS | changes, paths=paths)


def test_none(paths):
    assert differences(paths) == ""


def test_a_flag_that_older_versions_did_not_have_is_the_same_as_one_not_given(paths):
    assert differences(paths, shift_bp=None) == ""
    assert differences(paths, shift_bp=8) == "--shift_bp was not given, now 8"


def test_values_are_shown_as_flags_are_written(paths):
    assert differences(paths, target_columns=["a", "b"]) == (
        "--target_columns was not given, now a,b"
    )
    assert differences(paths, files={"test": ["a.csv"], "train": ["b.csv"]}) == (
        "the input was train=a.csv,b.csv, now test=a.csv train=b.csv"
    )
    assert differences(paths, seed=1, name="y") == "--name was x, now y, --seed was 0, now 1"


def test_of_many_the_first_are_shown(paths):
    text = differences(paths, name="y", seed=1, length=4, shift_bp=8, fold=1)
    assert (
        text == "--name was x, now y, --length was not given, now 4, --seed was 0, now 1 and 2 more"
    )


def test_files_that_changed_or_changed_places(paths, tmp_path):
    assert differences(paths, order=("b.csv", "a.csv")) == (
        "the order of the input was b.csv, a.csv, now a.csv, b.csv"
    )
    (tmp_path / "b.csv").write_text("changed")
    assert differences(paths) == f"{tmp_path}/b.csv was another file"


def test_contents_are_read_only_if_all_else_is_the_same(paths, tmp_path):
    (tmp_path / "b.csv").unlink()
    assert differences(paths, seed=1) == "--seed was 0, now 1"
    with pytest.raises(FileNotFoundError):
        differences(paths)


def test_files_that_are_not_compared(paths):
    pathlib.Path(paths[0]).unlink()
    manifest = Manifest("x", Schema((Feature("row", "int64", ()),)), {}, inputs=(), flags=FLAGS)
    assert describe_differences(manifest, name="x", flags=FLAGS, paths=None) == ""
    found = describe_differences(manifest, name="x", flags=FLAGS | {"seed": 1}, paths=None)
    assert str(another_dataset("data", found)) == (
        "data holds another dataset (--seed was 0, now 1); --overwrite replaces it"
    )
