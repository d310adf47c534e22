"""The benchmark of models that learn without labels runs, and keeps no small result."""

import pytest


@pytest.mark.slow
def test_small_run(small_run):
    found = small_run("--preset=tiny", "--steps=1", "--rounds=1")
    assert list(found["models"]) == ["mlm", "contrastive"]
    for scores in found["models"].values():
        assert scores["share_of_roof"]["median"] > 0
        assert scores["share_of_prepare"]["median"] > 0
