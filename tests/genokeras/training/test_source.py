"""What suits a run to begin with, by its settings alone."""

import json

import pytest

from genokeras.training import source
from genokeras.training.settings import FORMAT_VERSION
from tfrecords.errors import InputError


@pytest.fixture
def write_settings(tmp_path):
    """Writes the config.json of a run of a model."""

    def write(name, model, init_from=None):
        settings = {
            "format_version": FORMAT_VERSION, "model": model, "preset": "tiny", "config": {},
            "training": {}, "spec": {}, "data_dir": "data", "manifest_sha256": "",
            "environment": {}, "init_from": init_from,
        }  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(settings))
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("model", "expected"),
    [("mlm", "transformer"), ("contrastive", "transformer"), ("track", "track")],
)
def test_model_and_preset_suit_the_run_unless_given(model, expected, write_settings, tmp_path):
    run, workdir = str(write_settings("run", model)), tmp_path / "new"
    assert source.model_and_preset(run, workdir, None, None) == (expected, "tiny")
    assert source.model_and_preset(run, workdir, "mlm", "small") == ("mlm", "small")
    # Presets of a model that is neither are its own.
    assert source.model_and_preset(run, workdir, "another", None) == ("another", "base")
    assert source.model_and_preset(None, workdir, None, None) == ("cnn_attention", "base")
    assert source.model_and_preset(None, workdir, "mlm", None) == ("mlm", "base")


def test_a_run_that_is_gone_is_known_to_the_one_that_began_with_it(write_settings, tmp_path):
    gone = str(tmp_path / "gone")
    values = {"workdir": gone, "step": 7, "sha256": "0", "model": "mlm", "preset": "small"}
    values |= {"config": {"periods": [10.5]}, "length": 40, "tasks": ["a"], "new": ["head/kernel"]}
    run = write_settings("run", "transformer", values)
    assert source.model_and_preset(gone, run, None, None) == ("transformer", "small")
    assert source.kept(gone, run).new == ("head/kernel",)
    with pytest.raises(InputError, match="gone: no run here, it has no config.json"):
        source.model_and_preset(gone, tmp_path / "new", None, None)
    with pytest.raises(InputError, match="other: no run here, it has no config.json"):
        source.model_and_preset(str(tmp_path / "other"), run, None, None)
