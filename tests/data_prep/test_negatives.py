"""Negatives: which splits get them, where they go, and that none is its positive."""

import collections
import itertools

import numpy as np
import pytest

from data_prep import negatives
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.describe import describe
from data_prep.destination import UnfinishedError
from data_prep.fasta import Fasta
from data_prep.sequence_keys import window_keys
from data_prep.shards import write_shards
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

CONFIG = BuildConfig(negatives="dinucleotide_shuffle")


@pytest.fixture
def source(write):
    """Writes a table of rows (sequence, label, split) and opens it."""

    def make(rows, name="all.csv", header="sequence,label,split", **options):
        lines = [",".join(map(str, row)) for row in rows]
        table = write(name, "\n".join([header, *lines]) + "\n")
        return CsvTable(table, split_column="split", **options)

    return make


def build(source, data_dir, config=CONFIG, **options):
    lines = []
    manifest = build_dataset(source, data_dir, "x", config=config, log=lines.append, **options)
    return manifest, lines


def read(data_dir, split):
    opened = Dataset(data_dir).split(split)
    batch = opened.read(np.arange(opened.num_examples))
    return {name: values[np.argsort(batch["row"])] for name, values in batch.items()}


def texts(batch, length):
    return sequence.decode(batch["sequence"], length)


def steps(text):
    return collections.Counter(itertools.pairwise(text))


def rows_of(sequences, split, label=1):
    return [(text, label, split) for text in sequences]


def test_positives_get_shuffles_in_their_split_and_other_splits_stay(
    source, random_sequences, tmp_path
):
    train, valid, test = (random_sequences(count, 40, count) for count in (60, 20, 30))
    rows = rows_of(train, "train") + rows_of(valid, "valid") + rows_of(test[:15], "test")
    manifest, lines = build(source(rows + rows_of(test[15:], "test", 0)), tmp_path / "data")
    assert lines[1:] == [
        "Negatives: train gets 60 (dinucleotide_shuffle) for 60 positives.",
        "Negatives: valid gets 20 (dinucleotide_shuffle) for 20 positives.",
        "Negatives: test holds some already and gets none.",
    ]
    for split, positives, first_row in (("train", train, 0), ("valid", valid, 60)):
        batch, count = read(tmp_path / "data", split), len(positives)
        found = texts(batch, 40)
        assert found[:count] == positives
        assert batch["targets"][:, 0].tolist() == [1] * count + [0] * count
        # A negative's row is its positive's plus the number of rows, 110.
        rows = first_row + np.arange(count)
        assert batch["row"].tolist() == [*rows, *(rows + 110)]
        for positive, negative in zip(positives, found[count:], strict=True):
            assert negative != positive
            assert steps(negative) == steps(positive)
    assert texts(read(tmp_path / "data", "test"), 40) == test
    assert manifest.statistics["negatives"] == {
        "train": {"made": 60, "left_out": 0},
        "valid": {"made": 20, "left_out": 0},
    }
    assert "Negatives made for train: 60 (dinucleotide_shuffle)" in describe(tmp_path / "data")


def test_several_negatives_of_each_positive(source, random_sequences, tmp_path):
    config = BuildConfig(negatives="dinucleotide_shuffle", negatives_per_positive=3)
    positives = random_sequences(50, 40)
    build(source(rows_of(positives, "train")), tmp_path / "data", config)
    batch = read(tmp_path / "data", "train")
    assert batch["row"].tolist() == list(range(200))
    found = texts(batch, 40)
    assert len(set(found)) == 200
    assert [steps(text) for text in found] == [steps(text) for text in positives] * 4


def test_positives_without_another_order_are_left_out_and_counted(source, tmp_path):
    """ACACACACA and GGGGGGGGG have one order of their steps, the others have several."""
    rows = rows_of(["ACACACACA", "GGGGGGGGG", "AACAGACCA", "AACAGACCC"], "train")
    manifest, lines = build(source(rows), tmp_path / "data")
    assert lines[1] == (
        "Negatives: train gets 2 (dinucleotide_shuffle) for 4 positives; "
        "2 came out as their positives and were left out."
    )
    assert read(tmp_path / "data", "train")["row"].tolist() == [0, 1, 2, 3, 6, 7]
    assert manifest.statistics["negatives"]["train"] == {"made": 2, "left_out": 2}
    assert "train: 2 (dinucleotide_shuffle), 2 left out" in describe(tmp_path / "data")


@pytest.mark.parametrize("seed", range(5))
def test_a_negative_is_never_its_positive_on_either_strand(source, tmp_path, seed):
    """AATATTAAT has few orders, and ATTAATATT, its opposite strand, the same steps read back."""
    config = BuildConfig(negatives="dinucleotide_shuffle", negatives_per_positive=20, seed=seed)
    build(source(rows_of(["AATATTAAT", "GATTACAGA"], "train")), tmp_path / "data", config)
    batch = read(tmp_path / "data", "train")
    keys, _ = window_keys(batch["sequence"], 9)
    for positive in (0, 1):
        assert (keys[2:][batch["row"][2:] % 2 == positive] != keys[positive]).all()
    assert len(keys) == 42


def test_with_flanks_no_negative_has_its_positives_window(source, tmp_path):
    """Some shuffles change what stands beside the window alone: they are drawn again."""
    config = BuildConfig(negatives="dinucleotide_shuffle", negatives_per_positive=50, shift_bp=3)
    build(source(rows_of(["GCTAAACGCA"], "train")), tmp_path / "data", config)
    batch = read(tmp_path / "data", "train")
    windows = [text[3:-3] for text in texts(batch, 10)]
    assert windows[0] == "AAAC"
    assert "AAAC" not in windows[1:]
    assert {tuple(sorted(steps(text).items())) for text in texts(batch, 10)} == {
        tuple(sorted(steps("GCTAAACGCA").items()))
    }


def test_negatives_go_where_their_positives_were_split_to(write, random_sequences, tmp_path):
    positives = random_sequences(200, 30)
    table = CsvTable(write("a.csv", "\n".join(["sequence", *positives])), positives=True)
    config = BuildConfig(split_fractions=(0.5, 0.25, 0.25), negatives="dinucleotide_shuffle")
    manifest, lines = build(table, tmp_path / "data", config)
    assert lines[0:2] == [
        "Columns read: sequence.",
        f"No labels, so all rows are positives: {tmp_path / 'a.csv'}.",
    ]
    assert [manifest.num_examples(split) for split in manifest.splits] == [200, 100, 100]
    for split in manifest.splits:
        row = read(tmp_path / "data", split)["row"]
        np.testing.assert_array_equal(row[: len(row) // 2] + 200, row[len(row) // 2 :])
    assert (manifest.tasks, manifest.task_type) == (("label",), "binary")


def test_each_fold_gets_the_same_negatives(source, random_sequences, tmp_path):
    rows = rows_of(random_sequences(60, 30), "train")
    found = []
    for fold in range(2):
        config = BuildConfig(negatives="dinucleotide_shuffle", num_folds=2, fold=fold)
        build(source(rows), tmp_path / str(fold), config)
        halves = [read(tmp_path / str(fold), split) for split in ("train", "valid")]
        found.append({(row, text) for half in halves
                      for row, text in zip(half["row"], texts(half, 30), strict=True)})  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0]) == 120


def test_missing_labels_stay_missing(source, tmp_path):
    header = "sequence,label_a,label_b,split"
    rows = [("AACAGACCA", 1, "", "train"), ("AACAGACCC", 1, 1, "train")]
    manifest, lines = build(source(rows, header=header), tmp_path / "data")
    batch = read(tmp_path / "data", "train")
    assert batch["targets"].tolist() == [[1, 0], [1, 1], [0, 0], [0, 0]]
    assert batch["weight"].tolist() == [[1, 0], [1, 1], [1, 0], [1, 1]]


def test_one_row_without_a_label_1_is_a_negative(source, tmp_path):
    header = "sequence,label_a,label_b,split"
    rows = [("AACAGACCA", 1, 0, "train"), ("AACAGACCC", 0, 0, "train")]
    manifest, lines = build(source(rows, header=header), tmp_path / "data")
    assert "Negatives: train holds some already and gets none." in lines
    assert manifest.num_examples("train") == 2
    assert manifest.statistics["negatives"] == {}


def test_positives_of_one_task_or_another_get_negatives_of_all(source, tmp_path):
    header = "sequence,label_a,label_b,split"
    rows = [("AACAGACCA", 1, 0, "train"), ("AACAGACCC", 0, 1, "train")]
    manifest, _ = build(source(rows, header=header), tmp_path / "data")
    batch = read(tmp_path / "data", "train")
    assert batch["targets"].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_same_seed_same_bytes_and_another_seed_other_shuffles(source, random_sequences, tmp_path):
    rows = rows_of(random_sequences(40, 30), "train")
    shards = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        config = BuildConfig(negatives="dinucleotide_shuffle", seed=seed)
        manifest, _ = build(source(rows), tmp_path / name, config)
        shards[name] = manifest.splits["train"][0].sha256
    assert shards["a"] == shards["b"] != shards["c"]
    negatives_of = {name: set(texts(read(tmp_path / name, "train"), 30)) for name in "ac"}
    assert len(negatives_of["a"] & negatives_of["c"]) == 40


def test_blocks_do_not_matter(source, random_sequences, tmp_path, monkeypatch):
    rows = rows_of(random_sequences(40, 30), "train") + rows_of(random_sequences(9, 30, 5), "valid")
    build(source(rows), tmp_path / "one")
    monkeypatch.setattr(negatives, "_BLOCK_BASES", 7 * 30)
    build(source(rows), tmp_path / "many")
    for split in ("train", "valid"):
        one, many = (read(tmp_path / name, split) for name in ("one", "many"))
        for name in one:
            np.testing.assert_array_equal(one[name], many[name])


def test_a_build_that_was_stopped_goes_on_with_the_same_negatives(
    source, random_sequences, tmp_path
):
    rows = rows_of(random_sequences(60, 30), "train")
    config = BuildConfig(negatives="dinucleotide_shuffle", num_shards=4)
    written = []

    def stop_after_two(tasks, when_done):
        write_shards(tasks[:2], when_done, workers=1)
        raise UnfinishedError("stopped")

    with pytest.raises(UnfinishedError, match="stopped"):
        build(source(rows), tmp_path / "data", config, runner=stop_after_two)

    def count(tasks, when_done):
        written.extend(tasks)
        write_shards(tasks, when_done, workers=1)

    build(source(rows), tmp_path / "data", config, runner=count)
    assert len(written) == 2
    build(source(rows), tmp_path / "undisturbed", config)
    contents = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
                for name in ("data", "undisturbed")]  # fmt: skip
    assert contents[0] == contents[1]


def test_a_negative_that_is_in_test_is_found_by_the_audit(source, tmp_path):
    """AAGACA is a shuffle of AACAGA; six times as many will hold it."""
    config = BuildConfig(
        negatives="dinucleotide_shuffle", negatives_per_positive=50, leak_threshold=1.0
    )
    rows = rows_of(["AACAGA"], "train") + [("AAGACA", 0, "test"), ("CCCCCC", 1, "test")]
    manifest, lines = build(source(rows), tmp_path / "data", config)
    assert "AAGACA" not in texts(read(tmp_path / "data", "train"), 6)
    assert manifest.audit["dropped"]["train"] > 0


def test_real_deepbind_tables(more_data, tmp_path):
    folder = more_data("tf_binding/deepbind")
    files = {"input": folder / "ELK1_AC.seq.gz", "test": folder / "ELK1_B.seq.gz"}
    config = BuildConfig(split_fractions=(0.9, 0.1, 0), negatives="dinucleotide_shuffle")
    manifest, _ = build(CsvTable(files), tmp_path / "data", config)
    for split in ("train", "valid"):
        labels = manifest.statistics["splits"][split]["tasks"]["Bound"]
        assert labels["positives"] == labels["negatives"] > 0
        batch = read(tmp_path / "data", split)
        found, half = texts(batch, 101), len(batch["row"]) // 2
        for positive, negative in zip(found[:half:50], found[half::50], strict=True):
            assert steps(positive) == steps(negative)
    assert manifest.num_examples("test") == 1000


def test_fasta_files_without_labels(write, tmp_path):
    bound = write("bound.fa", ">peak 1\nAACAGACCA\n>peak 2\nAACAGACCC\n")
    mixed = write("mixed.fa", ">a label=1\nGACAGACCA\n>b label=0\nAACAGAGGG\n")
    source = Fasta({"train": bound, "test": mixed}, positives=True)
    manifest, lines = build(source, tmp_path / "data")
    assert lines[0] == f"{bound} has no labels, so all its sequences are positives."
    assert [manifest.num_examples(split) for split in ("train", "test")] == [4, 2]


def test_refused(source, tmp_path):
    rows = rows_of(["AACAGACCA", "AACAGACCC"], "train")
    message = "--negatives=dinucleotide_shufle, expected one of dinucleotide_shuffle.*Did you mean"
    with pytest.raises(InputError, match=message):
        build(source(rows), tmp_path / "data", BuildConfig(negatives="dinucleotide_shufle"))
    message = "--negatives=dinucleotide_shuffle needs labels of 0 and 1, this is a regression"
    with pytest.raises(InputError, match=message):
        build(source(rows, task_type="regression"), tmp_path / "data")
    message = "needs labels of 0 and 1, but label holds -1; write 1 for positives and 0 for negat"
    unknown_and_other = [("ACGTACGTA", "NA", "test"), ("ACGTACGTC", -1, "test")]
    with pytest.raises(InputError, match=message):
        build(source([*rows, *unknown_and_other]), tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
