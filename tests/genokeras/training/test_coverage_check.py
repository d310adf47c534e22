"""Tracks that go below 0 are refused before anything is written."""

import dataclasses

import pytest

from genokeras.training.coverage_check import check_coverage
from genokeras.training.train import recipe, train
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest


def described(*lowest):
    tasks = {task: {"min": low} for task, low in zip(("plus", "minus"), lowest, strict=True)}
    return {"splits": {"train": {"tasks": {"plus": {"min": 0.0}}}, "valid": {"tasks": tasks}}}


@pytest.fixture
def manifest(coverage_dataset, tmp_path):
    return Manifest.load(coverage_dataset(tmp_path / "data"))


def test_a_track_below_zero_is_not_trained_on(manifest, tmp_path):
    changed = dataclasses.replace(manifest, statistics=described(0.0, -3.25))
    changed.save(tmp_path / "data")
    training = recipe("track", "tiny", steps=1, batch_size=4, jit="off")
    with pytest.raises(InputError) as error:
        train(tmp_path / "data", tmp_path / "run", model="track", preset="tiny", training=training)
    assert str(error.value) == (
        "track minus goes down to -3.25 in split valid, but coverage is 0 or more; if these are "
        "counts of the minus strand written below 0, build the dataset again with a scale of -1 "
        "for it in the table of --targets, else from a file of what was counted, not of a ratio "
        "or difference"
    )
    assert not (tmp_path / "run").exists()


def test_what_is_zero_or_more_unknown_or_no_coverage_passes(manifest):
    for statistics in ({}, described(0.0, 2.0), described(None, 0.0)):
        check_coverage(dataclasses.replace(manifest, statistics=statistics))
    below = described(-1.0, -1.0)
    labels = Manifest("x", manifest.schema, {}, ("plus", "minus"), "regression", statistics=below)
    check_coverage(labels)
