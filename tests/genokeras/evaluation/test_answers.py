"""Which members and which baselines answer about which examples; see test_ensemble for scores."""

import numpy as np
import pytest

from genokeras.evaluation import answers
from genokeras.evaluation.baseline import fit_baseline, kmer_logits
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.split_windows import SplitWindows


@pytest.fixture
def folds(write_motif_run, planted, tmp_path):
    """Two seeds of a first fold and one of a second, in which motifs count differently."""
    rng = np.random.default_rng(0)
    texts = {name: (*planted(rng, 20), None) for name in ("train", "valid", "test")}
    other = {"train": texts["valid"], "valid": texts["train"], "test": texts["test"]}
    scales = {"a": (texts, 1.0), "b": (other, 0.5), "c": (texts, 2.0)}
    runs = [write_motif_run(data, tmp_path / name, scale=x) for name, (data, x) in scales.items()]
    models = Ensemble.load(runs, "best", reverse_complement=False)
    return models, [run.dataset() for run in runs]


def test_members_are_grouped_by_what_they_were_trained_on(folds):
    models, datasets = folds
    first, second = answers.by_dataset(datasets, models)
    assert first.members.members == (models.members[0], models.members[2])
    assert second.members.members == models.members[1:2]
    assert first.has_valid


def test_valid_examples_are_predicted_by_those_that_were_not_trained_on_them(folds):
    """A motif makes 2 and 6 in the first fold's members, 0 in the second's; on average 8 / 3."""
    models, datasets = folds
    found, valid = answers.predict_parts(models, answers.by_dataset(datasets, models), "test")
    given = answers.of_model(found, valid)
    np.testing.assert_allclose(given.logits[:, 0], np.tile([-2, 8 / 3], 10), atol=1e-6)
    labels, logits = given.valid
    assert len(logits) == 40
    np.testing.assert_allclose(logits[1:20:2, 0], 4)
    np.testing.assert_allclose(logits[21::2, 0], 0, atol=1e-6)
    np.testing.assert_array_equal(labels.targets[:, 0], np.tile([0, 1], 20))
    assert 1 / (1 + np.exp(2)) < given.thresholds()[0] <= 0.5


def test_baselines_answer_about_the_valid_split_of_their_own_fold(folds):
    models, datasets = folds
    parts = answers.by_dataset(datasets, models)
    found, valid = answers.predict_parts(models, parts, "test")
    fits = {part.dataset.manifest.sha256: fit_baseline(part.dataset) for part in parts}
    given = answers.of_baseline(fits, found, valid)
    expected = [kmer_logits(model, SplitWindows(datasets[0], "test")) for model in fits.values()]
    np.testing.assert_allclose(given.logits, (expected[0] + expected[1]) / 2)
    own = [
        kmer_logits(model, SplitWindows(part.dataset, "valid"))
        for model, part in zip(fits.values(), parts, strict=True)
    ]
    np.testing.assert_allclose(given.valid[1], np.concatenate(own))


def test_without_valid_examples_there_is_no_threshold(folds):
    models, datasets = folds
    parts = answers.by_dataset(datasets, models)
    found, valid = answers.predict_parts(models, parts, "test", with_valid=False)
    assert valid == []
    given = answers.of_model(found, valid)
    assert given.valid is None
    assert given.thresholds() is None
