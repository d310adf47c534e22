"""Baselines of coverage on a made-up genome, where what they should find was put in."""

import types

import numpy as np
import pytest
from scipy import sparse

from data_prep.genome import open_genome
from data_prep.intervals import Intervals
from tfrecords import sequence

LENGTHS = (20_000, 12_000, 9_010)


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), length)) for length in LENGTHS]
    rows = "".join(f">{name}\n{text}\n" for name, text in zip("abc", texts, strict=True))
    (folder / "x.fa").write_text(rows)
    genome = open_genome(folder / "x.fa", cache_dir=folder)
    return types.SimpleNamespace(genome=genome, texts=texts)


def bins(benchmark, grid, chrom, coverage):
    places = np.flatnonzero(grid.chrom_id == chrom)[None]
    return benchmark.Bins(places, coverage[places])


def test_kmers_are_counted_in_the_bin_where_they_begin(benchmark, genome):
    grid = benchmark.Grid(genome.genome)
    assert grid.num_bins == 625 + 375 + 282
    counts = grid.kmer_counts(2)
    text = genome.texts[1]
    expected = sum(text[i : i + 2] in ("AC", "GT") for i in range(32, 64))
    column = sequence.pair_of_kmer(2)[1]  # AC, which GT is the opposite of.
    assert counts[625 + 1, column] == expected


def test_a_grid_may_begin_anywhere(benchmark, genome):
    """Bins of the first chromosome: 0-7 (of 32, less 24 before it), 8-39, ..., 19976-19999."""
    grid = benchmark.Grid(genome.genome, begin_bp=520)
    assert grid.place(0, np.array([0, 7, 8, 39, 40, 520, 19_975, 19_976])).tolist() == [
        0, 0, 1, 1, 2, 17, 624, 625,
    ]  # fmt: skip
    assert grid.place(1, np.array([0])).tolist() == [626]
    assert grid.middles()[[1, 625, 627]].tolist() == [24, 19_992, 24]
    counts = grid.kmer_counts(1)
    share = counts[1].toarray()[0] / 32
    text = genome.texts[0][8:40]
    assert share.tolist() == [(text.count(x) + text.count(y)) / 32 for x, y in ("AT", "CG")]


def test_what_is_around_a_bin_ends_with_its_chromosome(benchmark, genome):
    grid = benchmark.Grid(genome.genome)
    first, end = grid.around(np.array([0, 624, 625, 700]), 3)
    assert (first.tolist(), end.tolist()) == ([0, 621, 625, 697], [4, 625, 629, 704])
    values = np.random.default_rng(0).normal(size=(grid.num_bins, 2))
    by_hand = benchmark._boxes(grid, np.arange(grid.num_bins), 3) @ sparse.csr_matrix(values)
    np.testing.assert_allclose(benchmark._smoothed(grid, values, 3), by_hand.toarray(), atol=1e-5)


def test_a_share_of_g_and_c_that_coverage_follows_is_found(benchmark, genome):
    grid = benchmark.Grid(genome.genome)
    share = benchmark._smoothed(grid, grid.kmer_counts(1).toarray(), 7)
    coverage = share[:, 1]  # C and G.
    train, valid = (bins(benchmark, grid, chrom, coverage) for chrom in (0, 1))
    found = benchmark.fit_kmers(grid, train, valid, ks=(1,))
    assert (found.chosen["around_bp"], found.chosen["k"]) == (480, 1)
    assert found.chosen["valid_r"] == pytest.approx(1, abs=1e-3)
    # The last bin there is shorter, and has fewer k-mers.
    assert benchmark.correlation(found.values, bins(benchmark, grid, 2, coverage)) > 0.98


def test_a_motif_matches_on_both_strands_where_it_is(benchmark, genome):
    grid = benchmark.Grid(genome.genome, begin_bp=8)
    counts = 100.0 * np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])  # CAGT.
    shorter = counts[:3] + [[0, 60, 0, 0], [0, 0, 0, 0], [0, 0, 0, 150]]  # CA and G, or T.
    matches = grid.motif_matches([counts, shorter], 0.99).toarray()
    words = [["CAGT", "ACTG"], ["CAT", "ATG"]]
    for column, (both, width) in enumerate(zip(words, (4, 3), strict=True)):
        expected = np.zeros(grid.num_bins)
        for chrom, text in enumerate(genome.texts):
            places = [i for i in range(len(text)) if text[i : i + width] in both]
            np.add.at(expected, grid.place(chrom, np.array(places) + width // 2), 1)
        np.testing.assert_array_equal(matches[:, column], expected)
    # G is the third base more often than it is expected to be, so that it is a weaker match.
    weaker = grid.motif_matches([shorter], 0.9).toarray()[:, 0]
    assert weaker.sum() > 1.5 * matches[:, 1].sum()


def test_motifs_that_coverage_follows_are_found(benchmark, genome):
    grid = benchmark.Grid(genome.genome)
    motif = 50.0 * np.eye(4)[[1, 0, 2, 3, 0]]  # CAGTA.
    other = 50.0 * np.eye(4)[[2, 2, 2, 3]]
    coverage = benchmark._smoothed(grid, grid.motif_matches([motif] * 2, 0.9).toarray(), 3)[:, 0]
    train, valid = (bins(benchmark, grid, chrom, coverage) for chrom in (0, 1))
    found = benchmark.fit_motifs(grid, train, valid, [other, motif])
    assert (found.chosen["around_bp"], found.chosen["motifs"]) == (224, 2)
    assert found.chosen["valid_r"] == pytest.approx(1, abs=1e-3)


def test_matrices_are_read_by_name(benchmark, tmp_path):
    rows = "A  [ 1 20 ]\nC  [ 2 0 ]\nG  [ 3 0 ]\nT  [ 4 1 ]\n"
    (tmp_path / "x.jaspar").write_text(f">MA1.1\tONE\n{rows}>MA2.3\tTWO\n{rows.replace('20', '7')}")
    (two,) = benchmark.read_jaspar(tmp_path / "x.jaspar", ["TWO"])
    assert two.tolist() == [[1, 2, 3, 4], [7, 0, 0, 1]]


def test_noise_is_not_predicted(benchmark, genome):
    grid = benchmark.Grid(genome.genome)
    coverage = np.random.default_rng(1).gamma(1.0, 1.0, grid.num_bins)
    train, valid = (bins(benchmark, grid, chrom, coverage) for chrom in (0, 1))
    found = benchmark.fit_kmers(grid, train, valid, ks=(4,), reaches=(1,))
    assert abs(benchmark.correlation(found.values, bins(benchmark, grid, 2, coverage))) < 0.2


def test_the_profile_around_starts_is_placed_in_the_sense_of_the_transcript(benchmark, genome):
    """Coverage of 5 one bin downstream of starts, 1 elsewhere; learnt on +, found on -."""
    grid = benchmark.Grid(genome.genome)
    transcripts = Intervals([0, 0, 1], [3216, 12_816, 2000], [5000, 13_500, 6449], [1, 1, -1])
    coverage = np.ones(grid.num_bins)
    coverage[[3216 // 32 + 1, 12_816 // 32 + 1]] = 5
    train = bins(benchmark, grid, 0, coverage)
    found = benchmark.fit_starts(grid, train, transcripts)
    on_minus = found.values[625:1000]
    assert np.flatnonzero(on_minus > 1).tolist() == [6448 // 32 - 1]
    assert on_minus.max() == pytest.approx(5)
