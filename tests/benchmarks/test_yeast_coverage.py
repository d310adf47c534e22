"""The benchmark of yeast coverage on three chromosomes, with coverage itself as the model."""

import argparse
import json

import numpy as np
import pyBigWig
import pytest

CHROMS = {"train": ("II",), "valid": ("I",), "test": ("III",)}


@pytest.fixture(scope="module")
def small(benchmark):
    """The script on the chromosomes of the example data, with fewer k-mers to try."""
    few = {"ks": (2,), "reaches": (1, 7)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "CHROMS", CHROMS)
        patch.setattr(benchmark, "MOTIFS", ("ABC",))
        patch.setattr(benchmark, "RIBOSOMAL", "II\t1000\t9000\n")
        fit = benchmark.fit_kmers
        patch.setattr(benchmark, "best_kmers", lambda *given: fit(*given, **few))
        yield benchmark


@pytest.fixture(scope="module")
def options(yeast, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    transcripts = folder / "transcripts.bed"
    rows = (("II", start, start + 900, "+") for start in range(5000, 800_000, 3000))
    rows = [*rows, ("III", 7000, 8000, "-")]
    transcripts.write_text("".join(f"{c}\t{s}\t{e}\tx\t0\t{strand}\n" for c, s, e, strand in rows))
    motifs = folder / "motifs.jaspar"
    motifs.write_text(
        ">MA0000.1\tABC\nA [ 9 0 0 9 ]\nC [ 0 9 0 0 ]\nG [ 0 0 9 0 ]\nT [ 0 0 0 1 ]\n"
    )
    return argparse.Namespace(
        fasta=yeast / "sacCer3_I_II_III.fa.gz",
        bigwig=yeast / "atac_coverage.bw",
        transcripts=transcripts,
        motifs=motifs,
        folder=folder,
    )


@pytest.fixture(scope="module")
def dataset(small, options):
    return small.build(options)


def test_bins_of_the_grid_are_those_of_the_windows(small, options, dataset):
    inputs = small.GenomeInputs(options.fasta, {})
    grid = small.Grid(inputs.genome, begin_bp=small.SHIFT_BP + small.CROP_BP)
    bins = small.read_bins(dataset, grid, "test")
    file = pyBigWig.open(str(options.bigwig))
    values = np.nan_to_num(file.values("chrIII", 0, file.chroms("chrIII"), numpy=True))
    middles = grid.middles()[bins.places[:, [0, 5, -1]]].ravel()
    expected = [values[middle - 16 : middle + 16].mean() for middle in middles]
    np.testing.assert_allclose(bins.coverage[:, [0, 5, -1]].ravel(), expected, rtol=1e-3)
    # Side by side: no bin twice.
    assert len(np.unique(bins.places)) == bins.places.size


def test_a_model_that_says_what_is_true_leads_by_what_the_others_lack(
    small, options, dataset, monkeypatch
):
    true = dataset.split("test").read(np.arange(dataset.manifest.num_examples("test")))
    coverage = true["targets"][..., 0].astype(np.float64)
    monkeypatch.setattr(small, "predict", lambda run, dataset: np.nan_to_num(coverage))
    found = small.measure(dataset, None, options)
    assert found["chosen"]["kmers"]["k"] == 2
    scores = found["scores"]
    assert list(scores) == ["model", "gc", "motifs", "kmers", "tss"]
    assert scores["model"]["pearson_r"] == pytest.approx(1)
    for name in ("gc", "motifs", "kmers", "tss"):
        score = scores[name]
        assert score["behind"] == pytest.approx(1 - score["pearson_r"])
        low, high = score["behind_ci"]
        assert low < score["behind"] < high
        assert score["pearson_r_ci"] == pytest.approx([1 - high, 1 - low])


def test_blocks_are_filled_up_with_what_is_missing(small):
    blocks = small.in_blocks(np.arange(34.0).reshape(17, 2))
    assert blocks.shape == (2, 32)
    assert blocks[1, :2].tolist() == [32, 33]
    assert np.isnan(blocks[1, 2:]).all()


@pytest.mark.slow
def test_the_whole_script(small, options, monkeypatch):
    monkeypatch.setattr(small, "RESULTS", options.folder / "results.json")
    files = f"{options.fasta} {options.bigwig} {options.transcripts} {options.motifs}"
    command = f"x {files} --folder={options.folder} --preset=tiny --steps=2"
    monkeypatch.setattr("sys.argv", command.split())
    small.main()
    found = json.loads(small.RESULTS.read_text())
    assert (found["preset"], found["steps"]) == ("tiny", 2)
    assert found["windows"]["test"] == (316_620 - 16 - 1024) // 3072
    assert -1 < found["scores"]["model"]["spearman_r"] < 1
