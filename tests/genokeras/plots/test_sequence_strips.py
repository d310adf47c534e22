"""Bases get their colours, and only what fits is shown."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from genokeras.plots import figure
from genokeras.plots.sequence_strips import draw_strips


@pytest.fixture
def panel():
    _, (ax,) = figure.panels(columns=1)
    return ax


def pixels(ax):
    return np.asarray(ax.images[0].get_array())


def test_one_colour_for_each_base_grey_for_codes_white_for_padding(panel):
    draw_strips(panel, [["ACGT-NR"], ["AAAAAAA"]], ["bound", "unbound"])
    first, gap, second = pixels(panel)
    assert len({tuple(colour) for colour in first[:4]}) == 4
    assert first[4].tolist() == [1, 1, 1]
    assert first[5].tolist() == first[6].tolist() == list(to_rgb("#BBBBBB"))
    assert (gap == 1).all()
    assert (second == first[0]).all()
    assert [label.get_text() for label in panel.get_yticklabels()] == ["bound", "unbound"]


def test_every_base_is_written_in_its_cell(panel):
    draw_strips(panel, [["ACA", "TT-"]], ["bound"])
    written = [tuple(place) for ax in panel.collections[1:] for place in ax.get_offsets()]
    assert sorted(written) == [(0.5, 0.5), (0.5, 1.5), (1.5, 0.5), (1.5, 1.5), (2.5, 0.5)]


def test_of_long_sequences_the_centre_is_shown_without_letters(panel):
    draw_strips(panel, [["A" * 100 + "C" * 200 + "A" * 100]], ["bound"])
    (row,) = pixels(panel)
    assert len(row) == 200
    assert len({tuple(colour) for colour in row}) == 1
    assert panel.get_xlim() == (100, 300)
    assert len(panel.collections) == 1


def test_a_group_without_sequences_takes_no_room(panel):
    draw_strips(panel, [[], ["ACG"]], ["bound", "unbound"])
    assert len(pixels(panel)) == 1
    assert [label.get_text() for label in panel.get_yticklabels()] == ["unbound"]
