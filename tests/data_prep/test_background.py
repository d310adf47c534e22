"""Negatives from the genome: where they may not be, how they match, what is said of them."""

import numpy as np
import pytest

from data_prep import background, intervals
from data_prep.genome import open_genome
from data_prep.intervals import Intervals

WINDOW, FLANK = 50, 5


@pytest.fixture
def genome(write, tmp_path):
    """Two chromosomes whose GC content rises from left to right, with runs of N."""
    rng = np.random.default_rng(0)
    texts = []
    for length in (60_000, 24_000):
        is_gc = rng.random(length) < np.linspace(0.2, 0.7, length)
        letters = np.where(is_gc, rng.choice(list("CG"), length), rng.choice(list("AT"), length))
        letters[length // 3 : length // 3 + 500] = "N"
        texts.append("".join(letters))
    fasta = write("g.fa", "".join(f">c{n}\n{text}\n" for n, text in enumerate(texts)))
    return open_genome(fasta, cache_dir=tmp_path / "cache")


@pytest.fixture
def positives():
    """120 windows in the rich halves of both chromosomes."""
    start = np.concatenate([32_000 + 250 * np.arange(100), 14_000 + 400 * np.arange(20)])
    chrom_id = np.repeat([0, 1], [100, 20])
    return Intervals(chrom_id, start, start + WINDOW, strand=np.resize([1, -1], 120))


@pytest.fixture
def taken(positives, genome):
    flanked = Intervals(positives.chrom_id, positives.start - FLANK, positives.end + FLANK)
    blacklist = Intervals([0, 1], [58_000, 0], [59_000, 300])
    return intervals.concatenate([flanked, blacklist, genome.gaps])


def draw(genome, positives, taken, **options):
    return background.draw(genome, positives, taken, flank_bp=FLANK, **options)


def flanked(windows):
    return Intervals(windows.chrom_id, windows.start - FLANK, windows.end + FLANK)


@pytest.mark.parametrize("matches_gc", [True, False])
@pytest.mark.parametrize("per_positive", [1, 2])
def test_negatives_overlap_nothing_and_not_each_other(
    genome, positives, taken, matches_gc, per_positive
):
    drawn = draw(genome, positives, taken, matches_gc=matches_gc, per_positive=per_positive)
    windows = flanked(drawn.windows)
    assert not intervals.overlaps(windows, taken).any()
    assert (intervals.count_overlaps(windows, windows) == 1).all()
    assert len(windows) == 120 * per_positive
    assert (drawn.windows.end - drawn.windows.start == WINDOW).all()
    assert np.bincount(drawn.windows.chrom_id).tolist() == [100 * per_positive, 20 * per_positive]
    ends = np.array([chrom.length for chrom in genome.chroms])
    assert (windows.start >= 0).all()
    assert (windows.end <= ends[windows.chrom_id]).all()
    places = drawn.windows.chrom_id, drawn.windows.start, drawn.windows.end
    assert genome.ambiguous_count(*places).sum() == 0


def test_without_the_exclusion_they_would_overlap(genome, positives, taken):
    """The control of the test above: what it checks does not come by itself."""
    nothing = taken[:0]
    drawn = draw(genome, positives, nothing, matches_gc=False, per_positive=2)
    assert intervals.overlaps(flanked(drawn.windows), taken).any()


def test_gc_is_matched_and_without_matching_it_is_not(genome, positives, taken):
    def match(matches_gc):
        drawn = draw(genome, positives, taken, matches_gc=matches_gc)
        return background.gc_match(genome, positives, drawn.windows)

    matched, random = match(matches_gc=True), match(matches_gc=False)
    assert matched["gc_of_negatives"] == pytest.approx(matched["gc_of_positives"], abs=0.01)
    assert matched["largest_gc_difference"] < 0.06
    assert random["gc_of_negatives"] < random["gc_of_positives"] - 0.05
    assert random["largest_gc_difference"] > 0.2


def test_strands_are_those_of_positives(genome, positives, taken):
    strands = draw(genome, positives, taken).windows.strand
    assert set(strands.tolist()) == {1, -1}
    unstranded = Intervals(positives.chrom_id, positives.start, positives.end)
    assert not draw(genome, unstranded, taken).windows.strand.any()


def test_the_seed_decides(genome, positives, taken):
    one, again, other = (draw(genome, positives, taken, seed=seed).windows for seed in (1, 1, 2))
    assert one.start.tolist() == again.start.tolist() != other.start.tolist()


def test_what_is_missing_is_counted(genome, positives, taken):
    drawn = draw(genome, positives, taken, per_positive=10)
    assert drawn.num_missing == 1200 - len(drawn.windows) > 0
    assert drawn.num_from_other_bins > 0
    assert not intervals.overlaps(flanked(drawn.windows), taken).any()


def test_the_largest_difference_of_two_distributions_by_hand(write, tmp_path):
    fasta = write("hand.fa", ">I\nAAAAGAAAGGAAGGGGGGGG\n")
    genome = open_genome(fasta, cache_dir=tmp_path / "cache")
    first = Intervals([0, 0, 0], [0, 4, 8], [4, 8, 12])  # GC 0, 1/4, 1/2.
    second = Intervals([0, 0], [8, 16], [12, 20])  # GC 1/2, 1.
    found = background.gc_match(genome, first, second)
    assert found["gc_of_positives"] == pytest.approx(0.25)
    assert found["gc_of_negatives"] == pytest.approx(0.75)
    # At 1/4 two of three of the first lie below, and none of the second.
    assert found["largest_gc_difference"] == pytest.approx(2 / 3)


def test_a_bin_that_runs_dry_is_filled_from_the_nearest():
    want, have = np.array([0, 5, 0, 0, 1]), np.array([1, 2, 1, 9, 0])
    taken, elsewhere = background._allot(want, have)
    assert taken.tolist() == [1, 2, 1, 2, 0]
    assert elsewhere == 4


def test_lines_for_the_user():
    found = {
        "kind": "gc_matched", "positives": 1200, "made": 1000, "missing": 200,
        "from_other_bins": 17, "gc_of_positives": 0.4, "gc_of_negatives": 0.41,
        "largest_gc_difference": 0.05,
    }  # fmt: skip
    assert list(background.describe({"background": found})) == [
        "Negatives: 1,000 (gc_matched) for 1,200 positives.",
        "Negatives of another GC content, for want of windows of the right one: 17.",
        "Warning: negatives missing, for want of room on their chromosomes: 200.",
        "Mean GC content: 0.400 of the positives, 0.410 of the negatives; the cumulative "
        "distributions differ by 0.050 at most.",
    ]
    assert list(background.describe({})) == []
