"""Sequences with bases beside the window: everything but training looks at the middle."""

import numpy as np
import pytest

from genokeras.evaluation.baseline import fit_baseline, kmer_logits
from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords import sequence
from tfrecords.reader import Dataset

OPTIONS = {"reverse_complement": False, "num_bootstrap": 0}


@pytest.fixture
def flanked(planted):
    """Windows of 40 bp, and the same with 3 bp beside them."""
    rng = np.random.default_rng(0)
    windows = {name: (*planted(rng, 30), None) for name in ("train", "valid", "test")}
    stored = {
        name: (["ACG" + text + "TTG" for text in texts], labels, None)
        for name, (texts, labels, _) in windows.items()
    }
    return windows, stored


def test_windows_are_the_middle_of_what_is_stored(flanked, write_dataset, tmp_path):
    windows, stored = flanked
    found = SplitWindows(Dataset(write_dataset(tmp_path / "data", stored, shift_bp=3)), "test")
    assert (found.length, len(found)) == (40, 30)
    read = found.read(np.array([4, 2]))
    assert sequence.decode(read["sequence"], 40) == [windows["test"][0][row] for row in (4, 2)]
    np.testing.assert_array_equal(read["weight"], np.ones((2, 1)))
    parts = list(found.parts(size=7, limit=20))
    assert [len(part["targets"]) for part in parts] == [7, 7, 6]
    texts = [text for part in parts for text in sequence.decode(part["sequence"], 40)]
    assert texts == windows["test"][0][:20]


def test_only_some_examples_in_their_order(flanked, write_dataset, tmp_path):
    windows, _ = flanked
    dataset = Dataset(write_dataset(tmp_path / "data", windows))
    found = SplitWindows(dataset, "test", np.array([5, 9, 1]))
    (part,) = found.parts()
    assert sequence.decode(part["sequence"], 40) == [windows["test"][0][row] for row in (5, 9, 1)]


def test_keys_of_both_strands_are_the_same_unless_data_are_stranded(
    flanked, write_dataset, tmp_path
):
    windows, _ = flanked
    packed = sequence.encode(windows["test"][0], 40)
    opposite = sequence.reverse_complement(packed, 40)
    for strands in ("online", "none"):
        dataset = Dataset(write_dataset(tmp_path / strands, windows, strands=strands))
        found = SplitWindows(dataset, "test")
        same = found.keys(packed) == found.keys(opposite)
        assert same.all() if strands == "online" else not same.any()


def test_scores_are_those_of_a_dataset_of_windows(flanked, write_motif_run, tmp_path):
    """The flanks change neither the model's nor the baseline's scores, nor what is said of them."""
    windows, stored = flanked
    # The flank and the first bases of a window would make a motif that is not in the window.
    texts, labels, weight = stored["test"]
    stored["test"] = ["TGA" + text[3:] for text in texts], labels, weight
    runs = [
        write_motif_run(windows, tmp_path / "windows"),
        write_motif_run(stored, tmp_path / "stored", shift_bp=3),
    ]
    expected, found = (evaluate(run.workdir, **OPTIONS) for run in runs)
    assert found["manifest_sha256"] != expected["manifest_sha256"]
    for name in ("auroc", "loss", "threshold", "calibration", "groups", "mistakes", "probes"):
        assert found[name] == expected[name]
    for name in ("auroc", "loss"):
        assert found["baseline"][name] == expected["baseline"][name]


def test_the_baseline_counts_the_kmers_of_the_window(flanked, write_dataset, tmp_path):
    windows, stored = flanked
    datasets = [
        Dataset(write_dataset(tmp_path / "windows", windows)),
        Dataset(write_dataset(tmp_path / "stored", stored, shift_bp=3)),
    ]
    model = fit_baseline(datasets[0])
    expected, found = (kmer_logits(model, SplitWindows(data, "test")) for data in datasets)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(fit_baseline(datasets[1]).weights, model.weights)
