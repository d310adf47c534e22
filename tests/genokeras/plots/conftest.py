import pytest

from genokeras.plots import figure


@pytest.fixture
def pictures(monkeypatch):
    """The matplotlib figures that are drawn, kept here instead of being written."""
    kept = []
    monkeypatch.setattr(figure, "save", lambda picture, path: kept.append(picture))
    return kept
