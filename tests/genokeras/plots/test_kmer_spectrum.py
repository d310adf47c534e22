"""Which k-mers are named, and what is said of them."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from genokeras.plots import figure
from genokeras.plots.kmer_spectrum import draw_ratios, draw_shares, enrichment

KMERS = [f"{a}{b}" for a in "ACGT" for b in "ACGT"]


@pytest.fixture
def counts():
    """Two thousand of each but: AC is four times as frequent in group 1, GT twice in group 0."""
    counts = np.full((2, 16), 2000)
    counts[1, KMERS.index("AC")] = 8000
    counts[0, KMERS.index("GT")] = 4000
    return counts


@pytest.fixture
def panel():
    _, (ax,) = figure.panels(columns=1)
    return ax


def test_enrichment_worked_by_hand():
    ratios, errors = enrichment(np.array([[10, 90], [40, 60]]))
    assert ratios == pytest.approx([40.5 / 10.5, 60.5 / 90.5])
    # The difference of .405 and .105, of which the standard error is the root of .0051.
    assert errors[0] == pytest.approx(0.3 / np.sqrt(0.00105 + 0.00405))
    assert errors[1] == pytest.approx(-0.3 / np.sqrt(0.00905 + 0.00605))


def test_equal_shares_of_unequal_groups_are_no_difference():
    ratios, errors = enrichment(np.array([[10_000, 30_000], [100_000, 300_000]]))
    assert ratios == pytest.approx(1, abs=1e-3)
    assert np.abs(errors).max() < 0.1


def test_the_clearest_are_named_with_their_other_strand(panel, counts):
    draw_ratios(panel, KMERS, counts, ("negatives", "positives"))
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names[0] == "AC / GT"
    assert names[-1] == "GT / AC"
    widths = [bar.get_width() for bar in panel.patches]
    totals = counts.sum(axis=1)
    assert widths[0] == pytest.approx(np.log2(8000.5 / totals[1] / (2000.5 / totals[0])))
    assert widths[-1] < 0 < widths[0]
    assert panel.get_xlabel() == "Share, positives over negatives"


def test_bars_are_sorted_by_length_though_chosen_by_certainty(panel):
    counts = np.full((2, 16), 20_000)
    counts[:, KMERS.index("AA")] = 100, 400  # The longest bar, but of few: not the surest.
    counts[:, KMERS.index("CC")] = 20_000, 40_000
    counts[:, KMERS.index("GG")] = 40_000, 20_000
    counts[:, KMERS.index("TT")] = 400, 100
    draw_ratios(panel, KMERS, counts, ("negatives", "positives"))
    widths = [bar.get_width() for bar in panel.patches]
    assert widths == sorted(widths, reverse=True)
    names = [label.get_text()[:2] for label in panel.get_yticklabels()]
    assert (names[0], names[-1]) == ("AA", "TT")
    colours = [tuple(bar.get_facecolor()) for bar in panel.patches]
    assert colours[0] == to_rgba(figure.CLASS_COLOURS[1])
    assert colours[-1] == to_rgba(figure.CLASS_COLOURS[0])


@pytest.mark.parametrize(
    ("times", "labels"),
    [
        (3, ["1/4×", "1/2×", "1×", "2×", "4×"]),
        (50, ["1/16×", "1/4×", "1×", "4×", "16×"]),
    ],
)
def test_ratios_have_few_ticks(panel, counts, times, labels):
    counts[:] = 1_000_000
    counts[1, 0] *= times
    draw_ratios(panel, KMERS, counts, ("negatives", "positives"))
    assert [label.get_text() for label in panel.get_xticklabels()] == labels


def test_all_are_drawn_at_their_shares(panel, counts):
    draw_shares(panel, KMERS, counts, ("negatives", "positives"), "train")
    places = panel.collections[0].get_offsets()
    assert len(places) == 16
    ac = KMERS.index("AC")
    assert list(places[ac]) == pytest.approx([2000 / 34000 * 1e6, 8000 / 38000 * 1e6])


@pytest.mark.parametrize("draw", ["shares", "ratios"])
def test_one_group_alone_is_not_compared(panel, counts, draw):
    counts[0] = 0
    if draw == "shares":
        draw_shares(panel, KMERS, counts, ("negatives", "positives"), "train")
    else:
        draw_ratios(panel, KMERS, counts, ("negatives", "positives"))
    assert [text.get_text() for text in panel.texts] == ["nothing to compare:\nnegatives missing"]
