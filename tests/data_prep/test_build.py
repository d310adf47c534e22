"""Whole builds: what is in the records, the same bytes every time, and nothing half-done."""

import csv
import dataclasses
import errno
import gzip
import os
import pathlib

import numpy as np
import pyfaidx
import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.fasta import Fasta
from tfrecords import input_paths, sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset

FRACTIONS = BuildConfig(split_fractions=(0.6, 0.2, 0.2))


@pytest.fixture
def table(write, random_sequences):
    """Writes a table of random sequences with labels 0, 1, 0, 1, ..."""

    def make(num_rows=200, name="all.csv", seed=0):
        texts = random_sequences(num_rows, 21, seed)
        rows = [f"{text},{number % 2}" for number, text in enumerate(texts)]
        return write(name, "\n".join(["sequence,label", *rows]) + "\n")

    return make


@pytest.fixture
def split_table(write):
    """Writes a table of rows (sequence, label, split), the label empty where it is missing."""

    def make(*rows, name="all.csv"):
        lines = [f"{text},{label},{split}" for text, label, split in rows]
        return write(name, "\n".join(["sequence,label,split", *lines]) + "\n")

    return make


def build(source, data_dir, **options):
    lines = []
    manifest = build_dataset(source, data_dir, "x", log=lines.append, **options)
    return manifest, lines


def all_bytes(data_dir):
    return {path.name: path.read_bytes() for path in data_dir.iterdir()}


def read(data_dir, split):
    opened = Dataset(data_dir).split(split)
    return opened.read(np.arange(opened.num_examples))


def test_records_hold_the_rows_of_the_table(table, tmp_path):
    path = table()
    lines = path.read_text().splitlines()[1:]
    manifest, _ = build(CsvTable(path), tmp_path / "data", config=FRACTIONS)
    seen = []
    for split in ("train", "valid", "test"):
        batch = read(tmp_path / "data", split)
        texts = sequence.decode(batch["sequence"], 21)
        found = zip(batch["row"], texts, batch["targets"][:, 0], strict=True)
        seen += [(row, f"{text},{target:g}") for row, text, target in found]
    assert sorted(seen) == list(enumerate(lines))
    assert [manifest.num_examples(split) for split in ("train", "valid", "test")] == [120, 40, 40]
    assert manifest.schema.names == ("row", "sequence", "targets")
    assert (manifest.tasks, manifest.task_type) == (("label",), "binary")


def test_example_data(gue_tf0, tmp_path):
    files = {split: gue_tf0 / f"{split}.csv.gz" for split in ("train", "dev", "test")}
    manifest, lines = build(CsvTable(files), tmp_path / "tf0")
    assert (
        "Warning: train and valid share 1 sequence, on either strand; dropped 1 of train." in lines
    )
    sizes = [manifest.num_examples(split) for split in ("train", "valid", "test")]
    assert sizes == [32377, 1000, 1000]
    assert manifest.statistics["splits"]["test"]["tasks"]["label"]["positives"] == 500
    assert manifest.audit["distinct"]["train"] == 32370
    assert Manifest.load(tmp_path / "tf0").sha256 == manifest.sha256
    assert sum(manifest.base_composition.values()) == pytest.approx(1)
    expected = []
    for path in files.values():
        with gzip.open(path, "rt") as file:
            expected += [(x["sequence"], float(x["label"])) for x in csv.DictReader(file)]
    rng, found = np.random.default_rng(0), {}
    for name in ("train", "valid", "test"):
        split = Dataset(tmp_path / "tf0").split(name)
        records = split.read(rng.permutation(split.num_examples)[:400])
        texts = sequence.decode(records["sequence"], 101)
        pairs = zip(texts, records["targets"][:, 0].tolist(), strict=True)
        found |= dict(zip(records["row"].tolist(), pairs, strict=True))
    assert len(found) == 1200
    assert found == {row: expected[row] for row in found}


def test_thousand_records_of_fasta_agree_with_pyfaidx(write, random_sequences, tmp_path):
    """Lines of 60 bases, as FASTA files have them."""
    texts = random_sequences(1500, 150, letters="ACGTacgtN")
    folded = ["\n".join(text[at : at + 60] for at in range(0, 150, 60)) for text in texts]
    records = [f">r{number} some words\n{text}\n" for number, text in enumerate(folded)]
    paths = [write("a.fa", "".join(records[:700])), write("b.fa", "".join(records[700:]))]
    build(Fasta(paths, labels=(1, 0)), tmp_path / "d", config=FRACTIONS)
    files, compared = [pyfaidx.Fasta(str(path), sequence_always_upper=True) for path in paths], 0
    for name in ("train", "valid", "test"):
        batch = read(tmp_path / "d", name)
        for row, text in zip(
            batch["row"].tolist(), sequence.decode(batch["sequence"], 150), strict=True
        ):
            assert text == files[row >= 700][f"r{row}"][:].seq
            compared += 1
        assert (batch["targets"][:, 0] == (batch["row"] < 700)).all()
    assert compared == 1500


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 3}])
def test_any_number_of_workers_gives_the_same_bytes(table, tmp_path, options):
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=4)
    one, _ = build(CsvTable(table()), tmp_path / "one", config=config, workers=1)
    many, _ = build(CsvTable(table()), tmp_path / "many", config=config, **options)
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "many")
    assert one.sha256 == many.sha256
    assert len(one.splits["train"]) == 4


def test_gzip_shards_hold_the_same_records(table, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    plain = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=4)
    zipped = dataclasses.replace(plain, compression="gzip")
    build(CsvTable(table()), tmp_path / "plain", config=plain)
    manifest, _ = build(CsvTable(table()), tmp_path / "zipped", config=zipped, workers=1)
    build(CsvTable(table()), tmp_path / "again", config=zipped, workers=2)
    assert manifest.compression == "gzip"
    assert all_bytes(tmp_path / "zipped") == all_bytes(tmp_path / "again")
    contents = shards_of(tmp_path / "plain")
    zipped_shards = shards_of(tmp_path / "zipped").items()
    shards = {name: gzip.decompress(content) for name, content in zipped_shards}
    assert shards == contents
    for split in ("train", "valid", "test"):
        batches = [read(tmp_path / folder, split) for folder in ("plain", "zipped")]
        for name in batches[0]:
            np.testing.assert_array_equal(batches[0][name], batches[1][name])
    _, lines = build(CsvTable(table()), tmp_path / "zipped", config=zipped)
    assert "is built already" in lines[0]
    with pytest.raises(
        InputError, match=r"holds another dataset \(--compression was gzip, now none\)"
    ):
        build(CsvTable(table()), tmp_path / "zipped", config=plain)


def shards_of(data_dir):
    contents = all_bytes(data_dir)
    return {name: content for name, content in contents.items() if ".tfrecord-" in name}


def test_seed_changes_splits_and_order(table, tmp_path):
    for seed in (0, 1):
        config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), seed=seed)
        build(CsvTable(table()), tmp_path / str(seed), config=config)
    rows = [read(tmp_path / str(seed), "train")["row"] for seed in (0, 1)]
    assert set(rows[0]) != set(rows[1])


def test_records_are_not_in_the_order_of_a_sorted_table(split_table, random_sequences, tmp_path):
    texts = random_sequences(400, 20)
    rows = [(text, int(number < 200), "train") for number, text in enumerate(texts)]
    build(CsvTable(split_table(*rows), split_column="split"), tmp_path / "data")
    first_half = read(tmp_path / "data", "train")["targets"][:200]
    assert 70 < first_half.sum() < 130


def test_missing_labels_have_weight_0(write, tmp_path):
    path = write("a.csv", "sequence,a,b,split\nACGT,1,,train\nACCT,,0,train\nTTTC,NA,,train\n")
    source = CsvTable(path, target_columns=["a", "b"], split_column="split")
    manifest, lines = build(source, tmp_path / "data")
    batch = read(tmp_path / "data", "train")
    order = np.argsort(batch["row"])
    assert batch["row"][order].tolist() == [0, 1]
    assert batch["targets"][order].tolist() == [[1, 0], [0, 0]]
    assert batch["weight"][order].tolist() == [[1, 0], [0, 1]]
    assert "Left out 1 row that has no label." in lines
    assert manifest.audit["rows_without_label"] == 1
    assert manifest.inputs[0]["num_rows"] == 3


def test_both_strands_are_stored_for_training_only(split_table, reverse_complement, tmp_path):
    rows = [("AACCG", 1, "train"), ("TTAGC", 0, "train"), ("GGGAT", 1, "test")]
    source = CsvTable(split_table(*rows), split_column="split")
    manifest, _ = build(source, tmp_path / "data", config=BuildConfig(reverse_complement="store"))
    batch = read(tmp_path / "data", "train")
    found = set(zip(sequence.decode(batch["sequence"], 5), batch["targets"][:, 0], strict=True))
    both = {(text, float(label)) for text, label, _ in rows[:2]}
    assert found == both | {(reverse_complement(text), label) for text, label in both}
    assert sorted(batch["row"]) == [0, 0, 1, 1]
    assert sequence.decode(read(tmp_path / "data", "test")["sequence"], 5) == ["GGGAT"]
    assert manifest.reverse_complement == "store"


def test_folds_share_nothing_and_cover_everything(table, tmp_path):
    path, tests = table(), []
    for fold in range(4):
        config = BuildConfig(num_folds=4, fold=fold)
        build(CsvTable(path), tmp_path / str(fold), config=config)
        tests.append(set(read(tmp_path / str(fold), "test")["row"].tolist()))
    assert sorted(row for fold in tests for row in fold) == list(range(200))


def test_folds_of_given_splits(gue_tf0, tmp_path):
    """Five runs on five folds see all rows but those of test, which none of them sees."""
    valid, test = [], []
    for fold in range(5):
        files = {split: gue_tf0 / f"{split}.csv.gz" for split in ("dev", "test")}
        source = CsvTable({"train": files["dev"], "test": files["test"]})
        config = BuildConfig(num_folds=5, fold=fold)
        manifest, _ = build(source, tmp_path / str(fold), config=config)
        valid += read(tmp_path / str(fold), "valid")["row"].tolist()
        test.append(sorted(read(tmp_path / str(fold), "test")["row"].tolist()))
        assert manifest.num_examples("train") + manifest.num_examples("valid") == 1000
        labels = manifest.statistics["splits"]
        positives = [labels[split]["tasks"]["label"]["positives"] for split in ("train", "valid")]
        assert positives[1] == pytest.approx(sum(positives) / 5, abs=1)
    assert sorted(valid) == list(range(1000))
    assert test == [list(range(1000, 2000))] * 5


def test_test_file_beside_rows_to_be_split(table, tmp_path):
    inputs = {"input": table(), "test": table(40, "test.csv", seed=1)}
    config = BuildConfig(split_fractions=(0.9, 0.1, 0))
    manifest, _ = build(CsvTable(inputs), tmp_path / "data", config=config)
    assert manifest.num_examples("valid") == 20
    assert sorted(read(tmp_path / "data", "test")["row"]) == list(range(200, 240))
    with pytest.raises(InputError, match="test is given by the input and by --split_fractions"):
        build(CsvTable(inputs), tmp_path / "other", config=FRACTIONS)


def test_regression_is_recognised(split_table, tmp_path):
    rows = [("ACGT", 0.5, "train"), ("AAGG", 1, "train"), ("CACA", 0, "test")]
    manifest, lines = build(CsvTable(split_table(*rows), split_column="split"), tmp_path / "data")
    assert manifest.task_type == "regression"
    assert (
        "There are labels other than 0 and 1, so this is a regression "
        "(classes want a column of 0 and 1 each)."
    ) in lines


def test_one_class_training_set_is_a_warning(split_table, tmp_path):
    rows = [("ACGT", 1, "train"), ("AAGG", 1, "train"), ("CACA", 0, "test"), ("CATA", 1, "test")]
    _, lines = build(CsvTable(split_table(*rows), split_column="split"), tmp_path / "data")
    assert "Warning: all labels of label in train are 1." in lines


def test_fasta_builds_as_tables_do(write, tmp_path):
    bound, unbound = write("b.fa", ">1\nACGTA\n>2\nACGGA\n"), write("u.fa", ">3\nTTTTT\n")
    source = Fasta({"train": [bound, unbound]}, labels=(1, 0))
    manifest, _ = build(source, tmp_path / "data")
    batch = read(tmp_path / "data", "train")
    labels = dict(zip(sequence.decode(batch["sequence"], 5), batch["targets"][:, 0], strict=True))
    assert labels == {"ACGTA": 1, "ACGGA": 1, "TTTTT": 0}
    assert manifest.flags["labels"] == ["1", "0"]


@pytest.mark.parametrize(
    ("rows", "config", "message"),
    [
        ([("ACGT", "", "train"), ("AGGT", 1, "test")], {}, "split train would be empty: there are"),
        ([("ACGT", "", "train")], {}, "the only row has no label; nothing to learn"),
        ([("ACGT", "", "train")] * 2, {}, "none of the 2 rows has a label; nothing to learn"),
        (
            [("ACGT", 1, "train"), ("ACGT", 1, "test")],
            {"leak_threshold": 1.0},
            "split train would be empty: all its sequences are in another split",
        ),
        ([("ACGT", 1, "train"), ("ACGT", 1, "test")], {}, "1 of 1 sequences of test"),
    ],
)
def test_empty_splits_are_errors_and_nothing_is_left(split_table, tmp_path, rows, config, message):
    source = CsvTable(split_table(*rows), split_column="split")
    with pytest.raises(InputError, match=message):
        build(source, tmp_path / "out" / "data", config=BuildConfig(**config))
    assert not (tmp_path / "out").exists()


def test_too_few_rows_for_the_fractions(table, tmp_path):
    with pytest.raises(InputError, match="split test would be empty: there are too few rows"):
        build(
            CsvTable(table(4)),
            tmp_path / "data",
            config=BuildConfig(split_fractions=(0.8, 0.1, 0.1)),
        )


def test_rows_that_nobody_splits(table, tmp_path):
    with pytest.raises(
        InputError, match=r"does not say which rows are for training; give --split_f"
    ):
        build(CsvTable(table()), tmp_path / "data")
    with pytest.raises(InputError, match="so there is nothing to split by fractions; leave"):
        build(CsvTable({"train": table()}), tmp_path / "data", config=FRACTIONS)


def test_wrong_name_and_workers(table, tmp_path):
    source = CsvTable({"train": table()})
    with pytest.raises(InputError, match="--name=TF-0, expected small letters, digits and _"):
        build_dataset(source, tmp_path / "data", "TF-0")
    with pytest.raises(InputError, match="--workers=0, expected 1 to 1024"):
        build_dataset(source, tmp_path / "data", "x", workers=0)


def test_same_build_again_does_nothing(table, tmp_path):
    path = table()
    first, _ = build(CsvTable(path), tmp_path / "data", config=FRACTIONS)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").iterdir()}
    again, lines = build(CsvTable(path), tmp_path / "data", config=FRACTIONS)
    assert lines == [f"{tmp_path}/data is built already, from the same input with the same flags."]
    assert again == first
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "data").iterdir()}


def test_same_build_from_files_that_have_moved_keeps_the_new_paths(table, tmp_path):
    path = pathlib.Path(table())
    first, _ = build(CsvTable(path), tmp_path / "data", config=FRACTIONS)
    assert input_paths.load(tmp_path / "data") == {"input": [str(path)]}
    (tmp_path / "new").mkdir()
    moved = path.rename(tmp_path / "new" / path.name)
    again, lines = build(CsvTable(moved), tmp_path / "data", config=FRACTIONS)
    assert "is built already" in lines[0]
    assert again == first
    assert input_paths.load(tmp_path / "data") == {"input": [str(moved)]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("input", r"\(.*/all.csv was another file\)"),
        ("flags", r"\(--split_fractions was 0.6,0.2,0.2, now 0.5,0.25,0.25\)"),
        ("name", r"\(--name was x, now y\)"),
        ("damage", r"\(its files are missing or cut off\)"),
    ],
)
def test_another_dataset_is_replaced_only_on_request(table, tmp_path, change, message):
    path, config, name, data_dir = table(), FRACTIONS, "x", tmp_path / "data"
    build(CsvTable(path), data_dir, config=config)
    before = all_bytes(data_dir)
    if change == "input":
        table(seed=1)
    elif change == "flags":
        config = BuildConfig(split_fractions=(0.5, 0.25, 0.25))
    elif change == "name":
        name = "y"
    else:
        (data_dir / "x-test.tfrecord-00000-of-00001").unlink()
        before.pop("x-test.tfrecord-00000-of-00001")
    message = f"data holds another dataset {message}; --overwrite replaces it"
    with pytest.raises(InputError, match=message):
        build_dataset(CsvTable(path), data_dir, name, config=config)
    assert all_bytes(data_dir) == before
    build_dataset(CsvTable(path), data_dir, name, config=config, overwrite=True)
    build_dataset(CsvTable(path), tmp_path / "fresh", name, config=config)
    assert all_bytes(data_dir) == all_bytes(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "data", "fresh"]


def test_failed_replacement_leaves_the_old_dataset(table, write, tmp_path):
    build(CsvTable(table()), tmp_path / "data", config=FRACTIONS)
    before = all_bytes(tmp_path / "data")
    broken = write("broken.csv", "sequence,label\nACGT,1\nACXT,1\n")
    with pytest.raises(InputError, match=r"broken\.csv:3: position 2: 'X' is no base"):
        build(CsvTable(broken), tmp_path / "data", config=FRACTIONS, overwrite=True)
    assert all_bytes(tmp_path / "data") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "broken.csv", "data"]


@pytest.mark.parametrize("full_after", [0, 3, 7])
def test_full_disk_leaves_nothing(table, tmp_path, monkeypatch, full_after):
    """The first writes are of the columns, the later ones of the order and the shards."""
    source, writes = CsvTable(table()), []

    def write_until_full(file, values):
        writes.append(file)
        if len(writes) > full_after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.write(values.tobytes())

    monkeypatch.setattr("data_prep.scratch._write_all", write_until_full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/data'"):
        build(source, tmp_path / "data", config=FRACTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]


def test_full_disk_while_shards_are_written_leaves_nothing(table, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tfrecords.writer.ShardWriter.write", full)
    with pytest.raises(OSError, match="No space left on device"):
        build(CsvTable(table()), tmp_path / "data", config=FRACTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]


def test_a_folder_in_a_file(table, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="^--data_dir=.*/file/data: .*/file is a file, not a fold"):
        build(CsvTable(table()), tmp_path / "file" / "data", config=FRACTIONS)
    assert (tmp_path / "file").read_text() == "mine"


def test_changed_copies_in_the_test_split_are_refused(write, random_sequences, tmp_path):
    """Rows of test are rows of training with one base in twenty changed; other rows are not."""
    texts = random_sequences(200, 200)
    rng, near = np.random.default_rng(0), []
    for text in texts[:60]:
        letters = list(text)
        for place in rng.choice(200, 10, replace=False):
            letters[place] = "ACGT"[("ACGT".index(letters[place]) + rng.integers(1, 4)) % 4]
        near.append("".join(letters))
    train = write("a.csv", "sequence,label\n" + "".join(f"{text},1\n" for text in texts[:100]))

    def splits(num_near):
        rows = [*near[:num_near], *texts[100 : 200 - num_near]]
        test = write("b.csv", "sequence,label\n" + "".join(f"{text},1\n" for text in rows))
        return CsvTable({"train": train, "test": test})

    message = (
        r"^\d+ of 100 sequences of test \(\d+\.0%\) are much like one of another split "
        r"\(train \d+\), more than --near_duplicate_threshold=0.5: b.csv, row 1 is much like "
        r"a.csv, row 1 of train"
    )
    with pytest.raises(InputError, match=message):
        build(splits(60), tmp_path / "d")
    assert not (tmp_path / "d").exists()
    build(splits(60), tmp_path / "d", config=BuildConfig(near_duplicate_threshold=1))
    build(splits(40), tmp_path / "e")
