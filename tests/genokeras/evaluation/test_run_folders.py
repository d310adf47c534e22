import pathlib

import pytest

from genokeras.evaluation import run_folders
from genokeras.training import remote_workdir
from tfrecords.errors import InputError


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three folders of runs, one that is none, and one with a comma in its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_folders.settings, "read", lambda path: {} if is_run(path) else None)
    for name in ("fold_0", "fold_1", "fold_2", "a,b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    (tmp_path / "fold_x").mkdir()


@pytest.mark.parametrize(
    ("folder", "workdirs", "place"),
    [
        ("fold_0/evaluation", ["fold_0"], "fold_0"),
        ("./fold_0/../fold_0/evaluation", ["fold_0"], "fold_0"),
        ("fold_0/other", ["fold_0"], "fold_0/other"),
        ("out", ["fold_0"], "out"),
        ("fold_0/evaluation", ["fold_0", "fold_1"], "fold_0/evaluation"),
    ],
)
def test_reports_lie_in_the_run_only_if_its_own_evaluations_do(runs, folder, workdirs, place):
    found = run_folders.report_folder(pathlib.Path(folder), list(map(pathlib.Path, workdirs)))
    assert found == pathlib.Path(place)


def is_run(path):
    return (path / "config.json").exists()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("fold_1", ["fold_1"]),
        ("fold_2,fold_0", ["fold_2", "fold_0"]),
        ("fold_*", ["fold_0", "fold_1", "fold_2"]),
        ("fold_[12]", ["fold_1", "fold_2"]),
        ("fold_2,fold_[01]", ["fold_2", "fold_0", "fold_1"]),
        (["fold_0", "fold_1"], ["fold_0", "fold_1"]),
        ("a,b", ["a,b"]),
    ],
)
def test_folders_in_the_order_given_and_those_of_a_pattern_sorted(runs, given, found):
    assert [str(path) for path in run_folders.find(given)] == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("fold_x", "fold_x: no run here, it has no config.json; launch.train makes one"),
        ("fold_0,gone", "gone: no run here"),
        ("fold_0,fold_[01]", "fold_0: given twice; a run is one member of an ensemble"),
        ("fold_0,./fold_0", "fold_0: given twice"),
        ("fold_0,file:///none/run", "file:///none/run: no run here; launch.train makes one"),
        ("run*", r"--workdir=run*: no folder of a run matches this pattern"),
        ("fold_0,", "--workdir=fold_0,: a folder is missing before or after a comma"),
    ],
)
def test_mistakes_are_named(runs, given, message):
    with pytest.raises(InputError) as caught:
        run_folders.find(given)
    assert message in str(caught.value)


def test_a_run_at_a_url_is_a_copy_of_it(runs, tmp_path, bucket):
    remote_workdir.push(tmp_path / "fold_0", "bucket://b/run")
    copy, local = run_folders.find("bucket://b/run,fold_1")
    assert copy == remote_workdir.copy_to_read("bucket://b/run")
    assert str(local) == "fold_1"
    assert (copy / "config.json").read_bytes() == (tmp_path / "fold_0/config.json").read_bytes()


def test_where_an_evaluation_goes_is_refused_before_it_is_made(runs, tmp_path, monkeypatch):
    one, output = [tmp_path / "fold_0"], tmp_path / "new" / "out"
    assert run_folders.destination(one, None) == tmp_path / "fold_0" / "evaluation"
    assert run_folders.destination(one, output) == output
    assert not output.parent.exists()
    (tmp_path / "fold_0" / "evaluation").touch()
    for place in (None, "fold_0/evaluation", "fold_0/evaluation/out", "gs://bucket/out"):
        with pytest.raises(InputError, match=r"--output=.*: expected a folder of this machine, or"):
            run_folders.destination(one, place)
    monkeypatch.setattr(run_folders.os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(InputError) as caught:
        run_folders.destination(one, output)
    assert str(caught.value) == (
        f"{tmp_path}: no permission to write there; give another folder as --output"
    )
