import hashlib
import json
import pathlib

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genokeras.evaluation.baseline import fit_baseline, kmer_logits
from genokeras.evaluation.embedder import Embedder
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.models.spec import Spec
from genokeras.probing import labelled_data, probe_files
from genokeras.probing.probe import probe
from genokeras.probing.probe_table import probe_table
from genokeras.probing.settings import Settings
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

LENGTH, MOTIF = 30, "TGACTCA"
QUICK = {"fractions": (0.2, 1.0), "draws": 2, "num_bootstrap": 20}


def planted(count, seed):
    """Windows, every second one with a motif, and whether they have one."""
    rng = np.random.default_rng(seed)
    texts = ["".join(row) for row in rng.choice(list("ACGT"), (count, LENGTH))]
    for row in range(1, count, 2):
        at = rng.integers(LENGTH - len(MOTIF))
        texts[row] = texts[row][:at] + MOTIF + texts[row][at + len(MOTIF) :]
    return texts, np.arange(count) % 2, None


@pytest.fixture(scope="module")
def data_dir(write_dataset, tmp_path_factory):
    splits = {name: planted(n, n) for name, n in (("train", 300), ("valid", 101), ("test", 120))}
    return write_dataset(tmp_path_factory.mktemp("probe") / "data", splits)


@pytest.fixture(scope="module")
def runs(write_run, tmp_path_factory):
    """Of a model of labels and of one without."""
    folder, spec = tmp_path_factory.mktemp("runs"), Spec(LENGTH, ("other", "labels"))
    return [
        write_run(folder / "cnn", "cnn_attention", spec, members=1, rc="augment"),
        write_run(folder / "mlm", "mlm", Spec(LENGTH, (), "unlabelled")),
    ]


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def result(runs, data_dir):
    before = [hashes(run) for run in runs]
    settings = Settings(**QUICK, nuisances=("strand",), noise=(1.0,))
    found = probe(runs, data_dir, settings, log=lambda line: None)
    assert [hashes(run) for run in runs] == before
    return found


def test_rows_of_runs_and_of_what_stands_beside_them(result, runs):
    rows = [(row["encoder"], row["kind"], row["fraction"]) for row in result["rows"]]
    names = [
        (str(runs[0]), "run"),
        (str(runs[1]), "run"),
        ("cnn_attention tiny, untrained", "untrained"),
        ("mlm tiny, untrained", "untrained"),
        ("6-mers", "kmers"),
        ("one-hot", "one_hot"),
    ]
    assert rows == [(*name, fraction) for name in names for fraction in (0.2, 1.0)]
    for row in result["rows"]:
        for name in ("auroc", "auprc", "mcc"):
            assert row[f"{name}_ci"][0] <= row[name] <= row[f"{name}_ci"][1]
        assert row["labels"] == {0.2: 60, 1.0: 300}[row["fraction"]]
    assert [row["dimensions"] for row in result["rows"][::2]] == [8, 16, 8, 16, 2080, 120]
    assert set(result["rows"][0]["minus"]) == {name for name, kind in names if kind != "run"}
    assert "minus" not in result["rows"][-1]
    assert result["windows"] == {"train": 300, "valid": 101, "test": 120}
    assert [run["model"] for run in result["runs"]] == ["cnn_attention", "mlm"]
    json.dumps(result, allow_nan=False)


def test_with_all_labels_6_mers_are_the_baseline_of_evaluations(result, data_dir):
    dataset = Dataset(data_dir)
    windows = SplitWindows(dataset, "test")
    logits = kmer_logits(fit_baseline(dataset), windows)[:, 0]
    targets = windows.read(np.arange(len(windows)))["targets"][:, 0]
    [row] = [r for r in result["rows"] if r["kind"] == "kmers" and r["fraction"] == 1]
    assert row["auroc"] == pytest.approx(roc_auc_score(targets, logits), abs=1e-6)
    assert row["auroc"] > 0.7


def test_nuisances_and_bounds_are_of_networks(result):
    assert len(result["nuisances"]) == 4 * 2 * 2
    # Embeddings are means over both strands, so that none can be told, whatever the probe.
    assert all(row["p_value"] > 0.001 for row in result["nuisances"])
    assert [row["kind"] for row in result["noise"]] == ["run", "run", "untrained", "untrained"]
    assert all(row["lower"] <= row["most"] for row in result["noise"])


def test_table_and_files(result, tmp_path):
    path = probe_files.check_output(tmp_path / "probe.json")
    written = probe_files.write_probe(path, result)
    assert [file.name for file in written] == ["probe.json", "probe.png", "probe.svg"]
    assert json.loads(path.read_text())["rows"] == result["rows"]
    assert all(file.stat().st_size > 1000 for file in written)
    lines = probe_table(result).splitlines()
    assert lines[0] == "small, test split; windows: 300 train, 101 valid, 120 test"
    assert lines[2].split() == ["encoder", "dimensions", "labels", "AUROC", "AUPRC", "MCC"]
    row = result["rows"][0]
    assert lines[4].split()[1:5] == ["8", "60", "(20%)", f"{row['auroc']:.4f}"]
    assert "Of fewer labels than all: means over 2 draws." in lines
    first = row["minus"]["6-mers"]
    [difference] = [x for x in lines if x.startswith(str(row["encoder"])) and " 6-mers " in x]
    assert f"{result['rows'][1]['minus']['6-mers']['auroc']:+.4f}" in difference
    assert first["auroc"] == pytest.approx(row["auroc"] - result["rows"][8]["auroc"])
    assert any(line.split()[:1] == ["encoder"] and "nuisance" in line for line in lines)
    assert any("I(Z; X) at least" in line for line in lines)
    assert [run["test_windows_seen"] for run in result["runs"]] == [None, None]  # Data are gone.
    workdir = result["runs"][0]["workdir"]
    assert f"Whether {workdir} has learnt from test windows is not known: what " in "\n".join(lines)
    seen = result | {"runs": [result["runs"][0] | {"test_windows_seen": 7}]}
    assert f"{workdir} has learnt from 7 of these 120 test windows." in probe_table(seen)


def test_an_embedding_that_holds_the_label_is_found(runs, data_dir, write_dataset, tmp_path):
    """Labels of numbers, made of an embedding: a ridge finds them again."""
    embedder, splits = Embedder.load(Run.open(runs[1])), {}
    for name in ("train", "valid", "test"):
        windows = SplitWindows(Dataset(data_dir), name)
        packed = windows.read(np.arange(len(windows)))["sequence"]
        x = embedder.embed(packed)
        texts = planted(len(packed), len(packed))[0]
        splits[name] = texts, x @ np.linspace(-1, 1, x.shape[1]), None
    folder = write_dataset(tmp_path / "numbers", splits, task_type="regression")
    settings = Settings(fractions=(1.0,), num_bootstrap=0)
    found = probe(runs[1], folder, settings, log=lambda line: None)
    scores = {row["kind"]: row["r2"] for row in found["rows"]}
    assert scores["run"] > 0.95
    assert scores["run"] > scores["kmers"] + 0.2
    assert "Pearson r" in probe_table(found)


def test_pairs_of_alleles(write_dataset, tmp_path):
    """Rows of both datasets are found, in whatever order, and those without a partner left out."""
    texts, labels, _ = planted(6, 0)
    order = np.array([3, 1, 5, 0, 2])
    ours = dict.fromkeys(("train", "test"), (texts, labels, None))
    theirs = {name: ([texts[row] for row in order], labels[order], None) for name in ours}
    folders = [write_dataset(tmp_path / "a", ours)]
    folders.append(write_dataset(tmp_path / "b", theirs, rows=order))
    lines = []
    options = {"max_windows": 10, "log": lines.append}
    data = labelled_data.read(folders[0], reference_dir=folders[1], **options)
    part = data.parts["train"]
    kept = part.windows.read(np.arange(5)), part.reference.read(np.arange(5))
    np.testing.assert_array_equal(kept[0]["row"], [0, 1, 2, 3, 5])
    for name in ("row", "sequence", "targets"):
        np.testing.assert_array_equal(kept[0][name], kept[1][name])
    np.testing.assert_array_equal(part.labels.targets[:, 0], labels[[0, 1, 2, 3, 5]])
    assert "Windows of the train split without a reference: 1." in lines
    others = write_dataset(tmp_path / "c", dict.fromkeys(ours, (texts, 1 - labels, None)))
    with pytest.raises(
        InputError, match=r"c: row 0 of its train split has other labels than in th"
    ):
        labelled_data.read(folders[0], reference_dir=others, **options)
    far = write_dataset(tmp_path / "d", ours, rows=np.arange(50, 56))
    with pytest.raises(InputError, match="d: no row of its train split is in that of the other"):
        labelled_data.read(folders[0], reference_dir=far, **options)
    wide = write_dataset(
        tmp_path / "e", {n: ([t + "A" for t in texts], labels, None) for n in ours}
    )
    with pytest.raises(
        InputError, match="e: window_bp is 31, of the dataset to compare it is 30; b"
    ):
        labelled_data.read(folders[0], reference_dir=wide, **options)


def test_large_splits_are_cut_and_it_is_said(data_dir):
    lines = []
    data = labelled_data.read(data_dir, max_windows=110, log=lines.append)
    assert [len(part.windows) for part in data.parts.values()] == [110, 101, 110]
    assert lines == [
        "Of 300 windows of the train split the first 110 are used.",
        "Of 120 windows of the test split the first 110 are used.",
    ]
    whole = SplitWindows(Dataset(data_dir), "train").read(np.arange(110))
    np.testing.assert_array_equal(data.parts["train"].labels.targets, whole["targets"])


def test_what_cannot_be_probed_is_refused(runs, data_dir, write_dataset, tmp_path):
    def refused(folder, message, workdir=runs[1], **settings):
        with pytest.raises(InputError, match=message):
            probe(workdir, folder, Settings(**settings), log=lambda line: None)

    split = planted(10, 0)
    without_test = write_dataset(tmp_path / "a", {"train": split})
    refused(without_test, r"a: no split 'test', there are train\.")
    shorter = {name: ([t[:20] for t in split[0]], split[1], None) for name in ("train", "test")}
    message = f"windows of 20 bp, but the model of {runs[1]} reads 30 bp"
    refused(write_dataset(tmp_path / "b", shorter), message)
    refused(data_dir, "no nuisance 'batch'. Nuisances of this dataset: gc, ", nuisances=("batch",))
    refused(data_dir, "data: all of its tasks are nuisances", nuisances=("label",))
    refused(tmp_path / "none", "none: no such folder; build_dataset makes datasets")
    one_class = {name: (split[0], np.ones(10), None) for name in ("train", "test")}
    message = "task label: its 10 labels of the train split are of one class, and a probe needs two"
    refused(write_dataset(tmp_path / "c", one_class), message)
    with pytest.raises(InputError, match="draws=0, expected at least 1"):
        Settings(draws=0)
    with pytest.raises(InputError, match="noise=0, expected more than 0: without, it has no bound"):
        Settings(noise=(0.0,))


def test_data_without_labels_are_refused(coverage_dataset, tmp_path):
    folder = coverage_dataset(tmp_path / "reads")
    with pytest.raises(InputError, match="reads: its data are coverage; a probe needs a label per"):
        labelled_data.read(folder, max_windows=10, log=lambda line: None)


def test_outputs_that_cannot_be_written_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"probe.txt: expected the name of a file that ends in .j"):
        probe_files.check_output(tmp_path / "probe.txt")
    with pytest.raises(InputError, match="there is no folder .*gone; make it first"):
        probe_files.check_output(tmp_path / "gone" / "probe.json")
    monkeypatch.setattr(probe_files.os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="no permission to write there; give another output"):
        probe_files.check_output(pathlib.Path(tmp_path) / "probe.json")
