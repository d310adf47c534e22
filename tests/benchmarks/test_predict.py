"""The benchmark of prediction runs, and keeps no result of a small run."""

import pytest


@pytest.mark.slow
def test_small_run(small_run):
    found = small_run("--sequences=500", "--pairs=1")
    assert found["share_of_the_network_alone"]["median"] > 0
    assert list(found["memory"]["peak_bytes"]) == ["50", "500", "5000"]
