"""A work folder that is to be in a bucket is one of this host, and the same in the bucket."""

import pathlib

import pytest

from launch import cloud_tpu_mirror
from launch.cloud_tpu_mirror import Mirror, workdir_of
from tfrecords.errors import InputError

URL = "gs://bucket/a/run"
# In the place of gcloud: a copy, after it wrote down its words; it fails if the file `fails` says.
GCLOUD = """#!/bin/bash
echo "$*" >> "$HOME/calls"
[ -e "$HOME/fails" ] && { cat "$HOME/fails" >&2; exit 1; }
from="${@: -2:1}"; to="${@: -1}"
mkdir -p "${to/gs:\\/\\//$HOME/cloud/}"
cp -r "${from/gs:\\/\\//$HOME/cloud/}/." "${to/gs:\\/\\//$HOME/cloud/}"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "gcloud").write_text(GCLOUD)
    (tmp_path / "gcloud").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "workdir"),
    [
        (["train", "--data_dir=d", "--workdir=gs://b/run"], "gs://b/run"),
        (["train", "-workdir", "run", "--steps=2"], "run"),
        (["train", "--workdir=a", "--workdir=b"], "b"),
        (["inspect_dataset", "--data_dir=d"], None),
    ],
)
def test_workdir_of_a_line(line, workdir):
    assert workdir_of(line) == workdir


def test_only_a_folder_in_a_bucket_is_replaced(home):
    folder = home / "genokeras/work/bucket/a/run"
    line = ["train", "--data_dir=gs://bucket/a", f"--workdir={URL}", f"--set=x={URL}"]
    changed = [*line[:2], f"--workdir={folder}", line[3]]
    assert Mirror(line).line == changed
    assert Mirror(["train", "--workdir", URL]).line == ["train", "--workdir", str(folder)]
    for other in (["train", "--workdir=run"], ["inspect_dataset", "--data_dir=gs://b/d"]):
        mirror = Mirror(other)
        assert mirror.line == other
        mirror.download()
        assert mirror.upload() == ""
    assert not (home / "calls").exists()


def test_there_and_back(home):
    mirror = Mirror(["train", f"--workdir={URL}"])
    folder = pathlib.Path(mirror.line[1].partition("=")[2])
    (home / "cloud/bucket/a/run").mkdir(parents=True)
    (home / "cloud/bucket/a/run/old").write_text("1")
    mirror.download()
    assert (folder / "old").read_text() == "1"
    (folder / "new").write_text("2")
    assert mirror.upload() == ""
    assert (home / "cloud/bucket/a/run/new").read_text() == "2"
    rsync = "storage rsync --recursive --delete-unmatched-destination-objects"
    rsync += r" --exclude=(.*/)?\..*"
    assert (home / "calls").read_text().splitlines() == [
        f"{rsync} {URL} {folder}",
        f"{rsync} {folder} {URL}",
    ]


def test_an_empty_bucket_is_a_new_run_and_is_not_written_before_there_is_something(home):
    (home / "fails").write_text(
        f"x\nERROR: (gcloud.storage.rsync) Did not find existing container at: {URL}\n"
    )
    mirror = Mirror(["train", f"--workdir={URL}"])
    mirror.download()
    (pathlib.Path(mirror.line[1].partition("=")[2]) / ".lock").touch()
    assert mirror.upload() == ""
    assert len((home / "calls").read_text().splitlines()) == 1


def test_what_cannot_be_copied_is_told(home):
    (home / "fails").write_text("ERROR: HTTPError 403: no access\n")
    mirror = Mirror(["train", f"--workdir={URL}"])
    with pytest.raises(
        InputError, match=f"{URL}: could not be copied to the hosts of the TPU: ERROR: HTTPError"
    ):
        mirror.download()
    folder = pathlib.Path(mirror.line[1].partition("=")[2])
    (folder / "file").write_text("1")
    assert mirror.upload() == "ERROR: HTTPError 403: no access"
    assert cloud_tpu_mirror.FAILED not in (0, 2, 75, 143)
