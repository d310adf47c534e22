import json
import os

import pytest

from tfrecords import input_paths
from tfrecords.errors import InputError


def test_paths_are_kept_as_absolute_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    input_paths.save(tmp_path, {"train": ["a.csv", "/b/c.csv"], "input": ["x/../d.csv"]})
    here = os.getcwd()
    assert input_paths.load(tmp_path) == {
        "train": [f"{here}/a.csv", "/b/c.csv"],
        "input": [f"{here}/d.csv"],
    }


def test_a_dataset_may_have_none(tmp_path):
    assert input_paths.load(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[1]", '{"train": 1}', '{"train": [1]}'])
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "input_paths.json").write_text(content)
    with pytest.raises(InputError, match=r"input_paths.json: expected a list of paths by split"):
        input_paths.load(tmp_path)


def test_the_file_is_json_for_people(tmp_path):
    input_paths.save(tmp_path, {"train": ["/a.csv"]})
    assert json.loads((tmp_path / "input_paths.json").read_text()) == {"train": ["/a.csv"]}
