import csv
import gzip

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genokeras.evaluation import baseline, linear_fit
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset


def random_dna(rng, number, length=40):
    return ["".join(row) for row in rng.choice(list("ACGT"), (number, length))]


def features(texts, k):
    return baseline.kmer_features(sequence.encode(texts, len(texts[0])), len(texts[0]), k)


def test_counts_of_a_sequence_worked_by_hand():
    # ACGTT: AC, CG, GT, TT; up to strand AC=GT twice, CG once, AA=TT once. N hides two 2-mers.
    columns = sequence.pair_of_kmer(2)
    found = features(["ACGTT", "ACNTT"], 2).toarray()
    assert found[0, columns[0b0001]] == pytest.approx(np.sqrt(2))
    assert found[0, columns[0b0110]] == 1
    assert found[0, columns[0b1111]] == found[0, columns[0b0000]] == 1
    assert (found[0] > 0).sum() == 3
    assert found[1, columns[0b0001]] == found[1, columns[0b1111]] == 1
    assert found[1].sum() == 2


def test_both_strands_have_the_same_features():
    packed = sequence.encode(random_dna(np.random.default_rng(0), 20, 31), 31)
    opposite = sequence.reverse_complement(packed, 31)
    found, other = (baseline.kmer_features(strand, 31) for strand in (packed, opposite))
    assert (found != other).nnz == 0


def test_stranded_features_tell_the_strands_apart():
    """ACGTT: AC, CG, GT and TT once each, under their own numbers; on the other strand AACGT."""
    packed = sequence.encode(["ACGTT", "AACGT"], 5)
    found = baseline.kmer_features(packed, 5, 2, stranded=True).toarray()
    assert found.shape == (2, 16)
    assert [np.flatnonzero(row).tolist() for row in found] == [[1, 6, 11, 15], [0, 1, 6, 11]]


def read_gue(folder):
    splits = {}
    for split, file in {"train": "train", "valid": "dev", "test": "test"}.items():
        with gzip.open(folder / f"{file}.csv.gz", "rt") as text:
            rows = list(csv.DictReader(text))
        texts, labels = [row["sequence"] for row in rows], [float(row["label"]) for row in rows]
        splits[split] = texts, labels, None
    return splits


@pytest.mark.parametrize(("name", "auroc"), [("tf0", 0.898), ("tf1", 0.929), ("tf2", 0.903)])
def test_scores_on_real_transcription_factors_are_the_known_ones(
    name, auroc, gue_tf0, more_data, write_dataset, tmp_path
):
    folder = gue_tf0 if name == "tf0" else more_data("tf_binding/gue") / name
    splits = read_gue(folder)
    dataset = Dataset(write_dataset(tmp_path / "data", splits))
    model = baseline.fit_baseline(dataset)
    logits = baseline.kmer_logits(model, SplitWindows(dataset, "test"))
    assert roc_auc_score(splits["test"][1], logits[:, 0]) == pytest.approx(auroc, abs=0.005)
    assert model.weights.shape == (2080, 1)
    assert model.penalty == (0.01,)


def test_every_task_is_fitted_on_its_labelled_examples(write_dataset, tmp_path):
    """Each task is a motif; half of the labels are missing, and stored as zeros."""
    rng = np.random.default_rng(0)
    texts = random_dna(rng, 800)
    truth = rng.integers(0, 2, (800, 2))
    for row, (first, second) in enumerate(truth):
        middle = ("TGACTCA" if first else "") + ("GGAAGTG" if second else "")
        texts[row] = (middle + texts[row])[:40]
    weight = (rng.random((800, 2)) < 0.5).astype(np.float32)
    targets = np.where(weight > 0, truth, 0)
    split = {
        "train": (texts[:600], targets[:600], weight[:600]),
        "valid": (texts[600:700], truth[600:700], None),
        "test": (texts[700:], truth[700:], None),
    }
    dataset = Dataset(write_dataset(tmp_path / "data", split, tasks=("ap1", "ets")))
    model = baseline.fit_baseline(dataset)
    logits = baseline.kmer_logits(model, SplitWindows(dataset, "test"))
    for task in range(2):
        assert roc_auc_score(truth[700:, task], logits[:, task]) > 0.95
        assert roc_auc_score(truth[700:, 1 - task], logits[:, task]) < 0.75


def test_penalty_is_chosen_on_valid_alone(write_dataset, tmp_path):
    """Labels without a pattern call for the strongest penalty, separable ones for a weak one."""
    rng = np.random.default_rng(0)
    texts, noise = random_dna(rng, 400), rng.integers(0, 2, 400)
    motif = ["TGACTCATTTGGGG" + text[:26] if row % 2 else text for row, text in enumerate(texts)]
    chosen = {}
    for name, (data, labels) in {
        "noise": (texts, noise),
        "motif": (motif, np.arange(400) % 2),
    }.items():
        splits = {
            "train": (data[:300], labels[:300], None),
            "valid": (data[300:], labels[300:], None),
        }
        dataset = Dataset(write_dataset(tmp_path / name, splits))
        chosen[name] = baseline.fit_baseline(dataset).penalty[0]
    assert chosen["noise"] == linear_fit.PENALTIES[0]
    assert chosen["motif"] == linear_fit.PENALTIES[-1]


def test_without_a_valid_split_the_penalty_is_the_default(write_dataset, tmp_path):
    texts = random_dna(np.random.default_rng(0), 50)
    dataset = Dataset(write_dataset(tmp_path / "d", {"train": (texts, np.arange(50) % 2, None)}))
    assert baseline.fit_baseline(dataset).penalty == (linear_fit.DEFAULT_PENALTY,)


def test_regression_finds_a_linear_effect(write_dataset, tmp_path):
    rng = np.random.default_rng(0)
    texts = random_dna(rng, 2200)
    content = np.array([text.count("G") + text.count("C") for text in texts]) / 40
    splits = {
        "train": (texts[:2000], content[:2000], None),
        "valid": (texts[2000:2100], content[2000:2100], None),
        "test": (texts[2100:], content[2100:], None),
    }
    dataset = Dataset(write_dataset(tmp_path / "data", splits, task_type="regression"))
    predictions = baseline.kmer_logits(
        baseline.fit_baseline(dataset), SplitWindows(dataset, "test")
    )
    assert np.corrcoef(predictions[:, 0], content[2100:])[0, 1] > 0.9


def test_a_task_of_one_class_gets_a_constant(write_dataset, tmp_path):
    texts = random_dna(np.random.default_rng(0), 20)
    dataset = Dataset(write_dataset(tmp_path / "data", {"train": (texts, np.ones(20), None)}))
    logits = baseline.kmer_logits(baseline.fit_baseline(dataset), SplitWindows(dataset, "train"))
    np.testing.assert_array_equal(logits, 0)


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_a_task_without_a_label_to_train_on_gets_a_constant(task_type, write_dataset, tmp_path):
    """Also where the valid split has labels of it."""
    rng = np.random.default_rng(0)
    texts, targets = random_dna(rng, 40), rng.integers(0, 2, (40, 2))
    without_second = np.tile([1, 0], (40, 1))
    splits = {"train": (texts, targets, without_second), "valid": (texts, targets, None)}
    folder = write_dataset(tmp_path / "data", splits, tasks=("a", "b"), task_type=task_type)
    logits = baseline.kmer_logits(
        baseline.fit_baseline(Dataset(folder)), SplitWindows(Dataset(folder), "valid")
    )
    np.testing.assert_array_equal(logits[:, 1], 0)
    assert np.std(logits[:, 0]) > 0


def test_only_a_first_part_of_a_large_split_is_fitted(write_dataset, tmp_path, monkeypatch):
    """Rows are stored in random order, so the first ones are a sample."""
    texts = random_dna(np.random.default_rng(0), 100)
    dataset = Dataset(
        write_dataset(tmp_path / "data", {"train": (texts, np.arange(100) % 2, None)})
    )
    monkeypatch.setattr("genokeras.evaluation.split_windows._PART_BASES", 7 * 40)
    whole = baseline.read_examples(SplitWindows(dataset, "train"))
    monkeypatch.setattr(baseline, "_MAX_KMERS", 30 * 40)
    part = baseline.read_examples(SplitWindows(dataset, "train"))
    assert (whole.features.shape, part.features.shape) == ((100, 2080), (30, 2080))
    assert (whole.features[:30] != part.features).nnz == 0
    np.testing.assert_array_equal(whole.targets[:30], part.targets)


def test_windows_shorter_than_a_kmer_are_refused(write_dataset, tmp_path):
    dataset = Dataset(write_dataset(tmp_path / "data", {"train": (["ACGT"], [1], None)}))
    with pytest.raises(InputError, match="counts 6-mers; windows of 4 bp hold none"):
        baseline.fit_baseline(dataset)
