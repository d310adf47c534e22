"""Fixtures for all tests."""

import os
import pathlib

import pytest
import stand_in_bucket

from tfrecords import remote_path

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def bar():
    """A progress bar that only counts."""
    return Bar()


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """The class of a stand-in for a bucket; `bucket://NAME/...` are files in `tmp_path`.

    Pauses between attempts are short, and the cache is `tmp_path / "cache"`.
    """
    monkeypatch.setattr(remote_path, "_FIRST_PAUSE", 0.001)
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GENOKERAS_CACHE_LIMIT", raising=False)
    return stand_in_bucket.register(tmp_path)


class Bar:
    done, is_closed = 0, False

    def update(self, advance=1, **values):
        self.done += advance

    def close(self):
        self.is_closed = True


@pytest.fixture(scope="session")
def gue_tf0():
    """The example data in the checkout: human transcription-factor binding, 101 bp."""
    return ROOT / "examples" / "data" / "gue_tf0"


@pytest.fixture(scope="session")
def yeast():
    """The example data in the checkout: three chromosomes of yeast, and peaks on them."""
    return ROOT / "examples" / "data" / "yeast"


@pytest.fixture(scope="session")
def more_data():
    """Returns a folder of more real data, named by GENOKERAS_DATA; skips where there is none."""

    def folder(name: str) -> pathlib.Path:
        data = pathlib.Path(os.environ.get("GENOKERAS_DATA", ROOT.parent / "shared" / "data"))
        if not (data / name).is_dir():
            pytest.skip(f"no real data in {name}: set GENOKERAS_DATA to a folder that has it")
        return data / name

    return folder
