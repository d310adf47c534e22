"""How a run has ended, as far as flags alone can tell."""

import dataclasses
import json

import pytest

from genokeras.training import settings, train_result
from genokeras.training.train_result import TrainResult
from tfrecords.errors import InputError

FLAGS = "--seed=1\n"
RESULT = {
    "steps": 4, "loss": 0.5, "metric": "loss", "best_step": 2, "scores": {}, "seconds": 1.0,
}  # fmt: skip


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """That of a finished run of the versions that are there now."""
    monkeypatch.setattr(settings, "revision", lambda: "1a2b")
    config = {
        "format_version": settings.FORMAT_VERSION, "model": "mlm", "preset": "tiny", "config": {},
        "training": {}, "spec": {}, "data_dir": "data", "manifest_sha256": "0",
        "environment": {"versions": settings.versions(), "revision": "1a2b"},
    }  # fmt: skip
    for name, values in {"config.json": config, "result.json": RESULT}.items():
        (tmp_path / name).write_text(json.dumps(values))
    (tmp_path / "flags.txt").write_text(FLAGS)
    return tmp_path


def test_a_run_of_the_same_flags_data_versions_and_source_is_known(workdir):
    found = train_result.of_same_flags(workdir, FLAGS, "0")
    assert found == TrainResult(workdir, **RESULT, already_finished=True)
    assert train_result.of_same_flags(workdir, "--seed=2\n", "0") is None
    assert train_result.of_same_flags(workdir, FLAGS, "1") is None
    assert train_result.of_same_flags(workdir / "other", FLAGS, "0") is None


@pytest.mark.parametrize("then", ["1a2b", "1a2b-dirty"])
@pytest.mark.parametrize("now", ["3c4d", "1a2b-dirty", None])
def test_another_source_or_one_that_is_being_changed_leaves_doubt(workdir, then, now, monkeypatch):
    """What flags mean stands there: it may be changed twice with the same name."""
    config = json.loads((workdir / "config.json").read_text())
    config["environment"]["revision"] = then
    (workdir / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(settings, "revision", lambda: now)
    assert train_result.of_same_flags(workdir, FLAGS, "0") is None


def test_other_versions_leave_doubt(workdir, monkeypatch):
    versions = settings.versions() | {"numpy": "0.1"}
    monkeypatch.setattr(settings, "versions", lambda: versions)
    assert train_result.of_same_flags(workdir, FLAGS, "0") is None


def test_a_result_that_is_none_is_refused(workdir):
    assert dataclasses.asdict(train_result.read(workdir))["steps"] == 4
    (workdir / "result.json").write_text("{}")
    with pytest.raises(InputError, match="result.json: not the result of a run; delete this file"):
        train_result.read(workdir)
    (workdir / "result.json").unlink()
    assert train_result.read(workdir) is None
