"""The benchmark for a GPU runs on a CPU, and keeps no small result."""

import pytest


@pytest.mark.slow
def test_small_run(small_run, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    options = ("--preset=tiny", "--batch_size=1", "--steps=1", "--rounds=1")
    found = small_run(*options)["models"]
    assert list(found) == ["cnn_attention_200bp", "track_131kb"]
    for results in found.values():
        assert results["mfu"] is None
        assert 0 <= results["input_wait"]["median"] < 1
        assert results["examples_per_second"]["median"] > 0
