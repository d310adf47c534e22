"""The benchmark of yeast sites on two proteins of three chromosomes, and its arithmetic by hand."""

import argparse
import json

import numpy as np
import pytest

from genokeras.evaluation.baseline import fit_baseline, kmer_features
from genokeras.metrics.classification import auroc

PROTEINS = ("Reb1", "Abf1")


@pytest.fixture(scope="module")
def small(benchmark):
    """The script with two proteins, on the chromosomes of the example data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "PROTEINS", PROTEINS)
        patch.setattr(benchmark, "SPLITS", {"valid_chroms": ("I",), "test_chroms": ("III",)})
        yield benchmark


@pytest.fixture(scope="module")
def results(small, yeast, tmp_path_factory):
    """What two runs of the script leave, networks replaced by the regression on 6-mers."""

    class SixMers:
        def __init__(self, dataset):
            self._model, self._length = fit_baseline(dataset), dataset.manifest.window_bp

        def logits(self, packed):
            return self._model.logits(kmer_features(packed, self._length))

    def networks(options, dataset):
        return [SixMers(dataset) for _ in small.seeds(options)]

    folder = tmp_path_factory.mktemp("sites")
    command = f"x {yeast}/sacCer3_I_II_III.fa.gz {yeast} --folder={folder} --seeds=0,1,2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", command.split())
        patch.setattr(small, "RESULTS", folder / "results.json")
        patch.setattr(small, "networks", networks)
        small.main()
        first = small.RESULTS.read_bytes()
        # Nothing is scored again.
        patch.setattr(small, "scores", None)
        small.main()
        assert small.RESULTS.read_bytes() == first
    return json.loads(first)


def test_all_models_are_scored_on_the_same_windows(results):
    assert [found["protein"] for found in results] == list(PROTEINS)
    for found in results:
        assert found["seeds"] == [0, 1, 2]
        for windows in ("own", "all"):
            scores = found[windows]
            alone, together = scores["alone"], scores["together"]
            # The same model on the same windows.
            assert alone["auroc"] == pytest.approx(scores["six_mers"]["auroc"])
            assert alone["auroc_by_seed"] == pytest.approx([alone["auroc"]] * 3)
            assert scores["alone_less_six_mers"]["auroc_ci"] == pytest.approx([0, 0])
            low, high = together["auprc_ci"]
            assert low < together["auprc"] < high
            lead = together["auroc"] - alone["auroc"]
            assert scores["together_less_alone"]["auroc"] == pytest.approx(lead)
            assert lead != 0
        assert found["own"]["clusters"] < found["all"]["clusters"]


def test_negatives_of_both_datasets_are_told_apart(results):
    for found in results:
        own, everyone = found["examples"]["own"], found["examples"]["all"]
        assert everyone["train"]["negatives_with_sites_of_others"] > 30
        # Windows around sites of others hold some of its own besides.
        assert own["test"]["positives"] < everyone["test"]["positives"]
        assert own["test"]["negatives"] <= 1.1 * own["test"]["positives"]
    reb1, abf1 = (found["examples"]["all"]["train"] for found in results)
    is_both = reb1["positives"] - abf1["negatives_with_sites_of_others"]
    assert is_both == abf1["positives"] - reb1["negatives_with_sites_of_others"]


@pytest.mark.slow
def test_networks_are_trained_once_for_each_seed(small, monkeypatch, yeast, tmp_path, capsys):
    recipe = small.recipe
    monkeypatch.setattr(small, "recipe", lambda **names: recipe(**names, steps=2))
    options = argparse.Namespace(
        fasta=yeast / "sacCer3_I_II_III.fa.gz", peaks=yeast, folder=tmp_path, preset="tiny",
        seeds="0,1",
    )  # fmt: skip
    dataset = small.build(options, PROTEINS)
    windows = small.SplitWindows(dataset, "test").read(np.arange(20))
    logits, again = (small.predict(small.networks(options, dataset), windows) for _ in range(2))
    assert logits.shape == (2, 20, 2)
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    np.testing.assert_array_equal(logits, again)
    assert capsys.readouterr().out.count("already finished") == 2


def test_windows_that_are_joined_by_overlaps_are_one_cluster(benchmark):
    chrom_id = np.array([1, 0, 0, 0, 0, 1])
    start = np.array([100, 700, 0, 199, 398, 300])
    assert benchmark.clusters(chrom_id, start).tolist() == [2, 1, 0, 0, 0, 3]


def test_scores_are_means_over_seeds_and_differences_paired(benchmark):
    rng = np.random.default_rng(0)
    targets = np.repeat([0.0, 1.0], 200)
    alone = targets + rng.normal(size=(2, 400))
    logits = {"alone": alone, "together": alone + 1, "six_mers": rng.normal(size=(1, 400))}
    found = benchmark.scores(targets, logits, np.arange(400))
    by_seed = [float(auroc(targets, x)) for x in alone]
    assert found["alone"]["auroc_by_seed"] == pytest.approx(by_seed)
    assert found["alone"]["auroc"] == pytest.approx(np.mean(by_seed))
    # What ranks alike does not differ in any resample, however wide the interval of either.
    assert found["together_less_alone"]["auroc_ci"] == pytest.approx([0, 0])
    low, high = found["alone"]["auroc_ci"]
    assert high - low > 0.04
    assert found["alone_less_six_mers"]["auroc_ci"][0] > 0.1


def test_windows_twice_in_a_cluster_are_no_more_evidence(benchmark):
    rng = np.random.default_rng(1)
    targets = np.repeat([0.0, 1.0], 100)
    logits = targets + rng.normal(size=(1, 200))
    once = dict.fromkeys(("alone", "together", "six_mers"), logits)
    twice = {name: np.tile(x, 2) for name, x in once.items()}
    found = [
        benchmark.scores(*data)["alone"]["auroc_ci"]
        for data in (
            (targets, once, np.arange(200)),
            (np.tile(targets, 2), twice, np.tile(np.arange(200), 2)),
            (np.tile(targets, 2), twice, np.arange(400)),
        )
    ]
    assert found[0] == pytest.approx(found[1])
    assert np.diff(found[2]) < 0.85 * np.diff(found[0])
