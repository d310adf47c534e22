"""Datasets of TFDS as a source: those that we write, and those that TFDS writes itself."""

import gzip
import json
import sys

import numpy as np
import pyfaidx
import pytest
import tensorflow_datasets as tfds

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.tfds_source import TfdsDataset
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS
from tfrecords.origin import origin
from tfrecords.reader import Dataset

TEXT, INTEGERS = tfds.features.Text(), tfds.features.Tensor(shape=(None,), dtype=np.uint8)
LABEL = tfds.features.ClassLabel(num_classes=2)
ROWS = {
    "train": [("ACGT", 1), ("GGNA", 0), ("TTTT", 1)],
    "validation": [("CATG", 0)],
    "test": [("AACC", 1), ("acgu", 0)],
}


class Mine(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Any dataset: features, and the rows of every split, kept in their order."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = None  # TFDS would look for it with a package that it does not bring.

    def __init__(self, features, rows, **options):
        self._features, self._rows = features, rows
        super().__init__(**options)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(self._features),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(rows) for split, rows in self._rows.items()}

    def _generate_examples(self, rows):
        for number, row in enumerate(rows):
            yield number, dict(zip(self._features, row, strict=True))


@pytest.fixture
def store(tmp_path):
    """Lets TFDS write a dataset of features, and rows by split; returns its folder."""

    def write(features, **rows):
        builder = Mine(features, rows, data_dir=tmp_path / "tfds")
        builder.download_and_prepare()
        return str(builder.data_dir)

    return write


@pytest.fixture
def table(write, random_sequences):
    """A table of 60 rows, two tasks, some labels missing, some bases unknown, three splits."""
    texts = random_sequences(60, 21, letters="ACGTN")
    missing = ["", "0", "1"]
    rows = [f"{x},{n % 2},{missing[n % 3]},{SPLITS[n % 5 // 2]}" for n, x in enumerate(texts)]
    header = "sequence,label_CTCF,label_MYC,split"
    return CsvTable(write("a.csv", "\n".join([header, *rows])), split_column="split")


def read(source, size=1000):
    """Texts, labels and splits of all rows."""
    batches = list(source.batches(size))
    assert all(len(batch.split) <= size for batch in batches)
    packed = np.concatenate([batch.columns["sequence"] for batch in batches])
    targets = np.concatenate([batch.columns["targets"] for batch in batches])
    codes = [int(code) for batch in batches for code in batch.split]
    return sequence.decode(packed, source.length), targets.squeeze(1).tolist(), codes


def records(data_dir):
    """All records of every split but for their row numbers, sorted."""
    dataset = Dataset(data_dir)
    found = {}
    for split in dataset.manifest.splits:
        opened = dataset.split(split)
        fields = opened.read(np.arange(opened.num_examples))
        names = [name for name in dataset.manifest.schema.names if name != "row"]
        found[split] = sorted(zip(*([v.tobytes() for v in fields[n]] for n in names), strict=True))
    return found


def test_a_dataset_of_ours_comes_back_as_it_is(table, tmp_path):
    first = build_dataset(table, tmp_path / "a", "x", config=BuildConfig(num_shards=3))
    source = TfdsDataset(tmp_path / "a")
    assert source.notes == ("Features read: sequence, targets, weight; not read: row.",)
    second = build_dataset(source, tmp_path / "b", "y")
    assert records(tmp_path / "a") == records(tmp_path / "b")
    assert "weight" in second.schema
    assert (second.schema, second.tasks) == (first.schema, ("label_CTCF", "label_MYC"))
    assert second.task_type == first.task_type == "binary"
    assert second.base_composition == first.base_composition
    assert [(entry["file"], entry["sha256"], entry["num_rows"]) for entry in second.inputs] == [
        (shard.file, shard.sha256, shard.num_examples)
        for shards in first.splits.values()
        for shard in shards
    ]


def test_rows_are_those_of_the_files(table, tmp_path):
    """A row number leads to the record of the shard that it was."""
    build_dataset(table, tmp_path / "a", "x", config=BuildConfig(num_shards=3))
    manifest = build_dataset(TfdsDataset(tmp_path / "a"), tmp_path / "b", "y")
    before, after = (Dataset(tmp_path / name).split("train") for name in "ab")
    stored = before.read(np.arange(before.num_examples))["sequence"]
    batch = after.read(np.arange(after.num_examples))
    # train is the first split, so its rows are numbered as its records are stored.
    np.testing.assert_array_equal(batch["sequence"], stored[batch["row"]])
    assert (np.diff(batch["row"]) < 0).any()
    assert origin(manifest, 1) == "x-train.tfrecord-00000-of-00003, row 2"


def test_the_same_dataset_is_found_to_be_built(table, tmp_path):
    build_dataset(table, tmp_path / "a", "x")
    lines = []
    for _ in range(2):
        build_dataset(TfdsDataset(tmp_path / "a"), tmp_path / "b", "y", log=lines.append)
    assert lines[-1].endswith("is built already, from the same input with the same flags.")


def test_another_length_is_what_the_table_would_give(table, write, tmp_path):
    build_dataset(table, tmp_path / "a", "x")
    for length in (16, 30):
        folder = tmp_path / str(length)
        cut = CsvTable(table.paths[0], split_column="split", length=length)
        build_dataset(cut, folder / "table", "x")
        build_dataset(TfdsDataset(tmp_path / "a", length=length), folder / "tfds", "x")
        assert records(folder / "table") == records(folder / "tfds")


def test_room_for_shifts_is_not_taken_for_a_part_of_the_window(table, tmp_path):
    build_dataset(table, tmp_path / "a", "x", config=BuildConfig(shift_bp=4))
    source = TfdsDataset(tmp_path / "a")
    with pytest.raises(InputError, match="shift_bp=4 of the source, 0 of the build; give both the"):
        build_dataset(source, tmp_path / "b", "x")
    build_dataset(source, tmp_path / "b", "x", config=BuildConfig(shift_bp=4))
    assert records(tmp_path / "a") == records(tmp_path / "b")


@pytest.mark.parametrize("size", [1, 2, 100])
def test_texts_and_classes(store, size):
    source = TfdsDataset(store({"seq": TEXT, "label": LABEL, "note": TEXT}, **{
        split: [(*row, "seen") for row in rows] for split, rows in ROWS.items()
    }))  # fmt: skip
    assert source.notes == ("Features read: seq, label; not read: note.",)
    assert (source.length, source.tasks, source.num_rows) == (4, ("label",), 6)
    texts = ["ACGT", "GGNA", "TTTT", "CATG", "AACC", "ACGT"]
    assert read(source, size) == (texts, [1, 0, 1, 0, 1, 0], [0, 0, 0, 1, 2, 2])
    assert source.unsplit == ""


@pytest.mark.parametrize(
    "feature",
    [
        INTEGERS,
        tfds.features.Tensor(shape=(5,), dtype=np.int64),
        tfds.features.Sequence(np.int32),
        tfds.features.Sequence(tfds.features.ClassLabel(names=list("ACGTN"))),
        tfds.features.Sequence(tfds.features.ClassLabel(num_classes=5)),
    ],
    ids=["ragged", "fixed", "sequence", "names", "numbers"],
)
def test_numbers_of_bases(store, feature):
    rows = [([0, 1, 2, 3, 4], 1.5), ([3, 3, 0, 0, 1], -2)]
    source = TfdsDataset(store({"dna": feature, "score": np.float32}, train=rows))
    assert read(source) == (["ACGTN", "TTAAC"], [1.5, -2], [0, 0])
    assert source.tasks == ("score",)


def test_sequences_of_several_lengths(store):
    folder = store({"seq": INTEGERS, "y": LABEL}, train=[([0, 1, 2, 3], 1), ([0] * 5 + [1], 0)])
    message = rf"{folder}:train\[1\]: the sequence has 6 bases, those before it 4; --length=4 crops"
    with pytest.raises(InputError, match=message):
        read(TfdsDataset(folder))
    assert read(TfdsDataset(folder, length=2))[0] == ["CG", "AA"]


@pytest.mark.parametrize(
    ("features", "row", "asked", "tasks", "targets"),
    [
        ({"label": LABEL}, [-1], {}, ["label"], [np.nan]),
        ({"label": np.int64}, [-1], {}, ["label"], [-1]),
        ({"label": np.float64}, [np.nan], {}, ["label"], [np.nan]),
        ({"MYC": np.bool_, "CTCF": np.float32}, [True, 0.5], {}, ["CTCF", "MYC"], [0.5, 1]),
        ({"a": np.int8, "b": np.int8}, [3, 4], {"target_columns": ["b"]}, ["b"], [4]),
        (
            {"targets": tfds.features.Tensor(shape=(2,), dtype=np.float32)},
            [[1, np.nan]], {}, ["targets_0", "targets_1"], [1, np.nan],
        ),
        ({"name": TEXT}, ["MYC"], {"positives": True}, ["label"], [1]),
    ],
)  # fmt: skip
def test_labels(store, features, row, asked, tasks, targets):
    source = TfdsDataset(store({"seq": TEXT, **features}, train=[("ACGT", *row)]), **asked)
    (batch,) = source.batches(10)
    assert list(source.tasks) == tasks
    np.testing.assert_array_equal(batch.columns["targets"], np.float32([targets]))
    if asked.get("positives"):
        assert source.notes[1].startswith("No labels, so all examples are positives: ")


def test_splits_with_other_names(store):
    rows = {"train": [("ACGT", 1)], "unsupervised": [("AACC", 0)], "test": [("TTTT", 0)]}
    folder = store({"seq": TEXT, "label": LABEL}, **rows)
    message = (
        rf"{folder}: of its splits \w+, \w+, \w+, unsupervised is none of train, valid \(also val, "
        r"dev, validation\) and test; --split_fractions=0.8,0.1,0.1, or --num_folds and --fold, "
    )
    with pytest.raises(InputError, match=message):
        TfdsDataset(folder)
    source = TfdsDataset(folder, resplit=("train", "val"))
    texts, _, codes = read(source)
    assert dict(zip(texts, codes, strict=True)) == {"ACGT": -1, "AACC": -1, "TTTT": 2}
    assert source.unsplit == f"{folder} is to be split anew"
    with pytest.raises(InputError, match="'trian' is no split; .* Did you mean 'train'"):
        TfdsDataset(folder, resplit=("trian",))


def test_a_split_in_a_dataset_without_valid(store, tmp_path, random_sequences):
    texts = random_sequences(40, 12)
    rows = [(text, n % 2) for n, text in enumerate(texts)]
    folder = store({"seq": TEXT, "label": LABEL}, train=rows[:30], test=rows[30:])
    source = TfdsDataset(folder, resplit=("train", "valid"))
    for name, config in (
        ("a", BuildConfig(split_fractions=(0.8, 0.2, 0))),
        ("b", BuildConfig(num_folds=5, fold=0)),
    ):
        manifest = build_dataset(source, tmp_path / name, "x", config=config)
        assert [manifest.num_examples(split) for split in SPLITS] == [24, 6, 10]


def test_a_name_in_a_folder_of_tfds(store, tmp_path):
    folder = store({"seq": TEXT, "label": LABEL}, **ROWS)
    for name in ("mine", "mine:1.0.0"):
        source = TfdsDataset(name, tfds_dir=tmp_path / "tfds")
        assert source.paths_by_split == {"input": [folder]}
        assert source.flags["files"] == {"input": ["mine/1.0.0"]}
    message = "--tfds_dir=.*tfds has no dataset 'other'; expected NAME, NAME/CONFIG or NAME:VERSION"
    with pytest.raises(InputError, match=message):
        TfdsDataset("other", tfds_dir=tmp_path / "tfds")


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (TEXT, "ACXT", r": position 2: 'X' is no base and no IUPAC code"),
        (TEXT, "AC-T", r", position 2: '-' is a gap"),
        (TEXT, "", r": the sequence is empty"),
        (TEXT, "ACGTA", r": the sequence has 5 bases, those before it 4"),
        (INTEGERS, [0, 5, 1, 1], r", position 1: 5 is no base; expected 0 to 3 for A,"),
        (
            tfds.features.Sequence(np.int64),
            [0, 1, 1, -1],
            ", position 3: -1 is no base; expected 0",
        ),
    ],
)
def test_a_wrong_sequence_is_named(store, feature, value, message):
    first = "ACGT" if feature is TEXT else [0, 1, 2, 3]
    folder = store({"seq": feature, "label": LABEL}, train=[(first, 1), (value, 0)])
    with pytest.raises(InputError, match=rf"{folder}:train\[1\]{message}"):
        read(TfdsDataset(folder), size=1)


@pytest.mark.parametrize(
    ("value", "task_type", "message"),
    [
        (np.inf, None, "label is inf, expected a number that float32 holds, or NaN where it is"),
        (-1e300, None, r"label is -1e\+300, expected a number that float32 holds"),
        (0.7, "binary", "label is 0.7, but a binary task has labels 0 and 1 only"),
    ],
)
def test_a_wrong_label_is_named(store, value, task_type, message):
    # By itself TFDS stores float64 as float32.
    number = tfds.features.Tensor(shape=(), dtype=np.float64, encoding="bytes")
    features = {"seq": TEXT, "label": number}
    folder = store(features, train=[("ACGT", 1)] * 3, test=[("ACGT", 1), ("ACGT", value)])
    with pytest.raises(InputError, match=rf"{folder}:test\[1\]: {message}"):
        read(TfdsDataset(folder, task_type=task_type), size=1)


ONE_HOT = tfds.features.Tensor(shape=(4, 4), dtype=np.float32)


@pytest.mark.parametrize(
    ("features", "row", "asked", "message"),
    [
        (
            {"seq": ONE_HOT, "label": LABEL}, [np.eye(4, dtype=np.float32), 1], {},
            r"feature 'seq' is float32\(4, 4\), expected a text of bases, or a whole number for "
            r"each base \(0 to 3 for A, C, G and T, and 4 for N\)",
        ),
        (
            {"seq": tfds.features.Sequence({"x": np.int32}), "label": LABEL}, [[{"x": 1}], 1], {},
            "feature 'seq' is Sequence, expected a text of bases",
        ),
        (
            {
                "seq": tfds.features.Sequence(tfds.features.ClassLabel(names=list("ATCG"))),
                "label": LABEL,
            },
            [[0], 1], {}, "the classes of feature 'seq' are A, T, C, G, expected A, C, G, T, N",
        ),
        (
            {"seq": TEXT, "label": TEXT}, ["A", "1"], {},
            r"feature 'label' is text\(\), expected one number as label, or a fixed number of them",
        ),
        (
            {"seq": TEXT, "label": tfds.features.Sequence(np.int64)}, ["A", [1]], {},
            r"feature 'label' is int64\(None,\), expected one number as label",
        ),
        (
            {"text": TEXT, "label": LABEL}, ["A", 1], {},
            "no column is named like a sequence; the columns are label, text .*--sequence_column=",
        ),
        (
            {"seq": TEXT, "gene": TEXT}, ["A", "MYC"], {},
            "no column is named like a label; the other columns are gene; --target_columns=",
        ),
        (
            {"seq": TEXT, "label": LABEL}, ["A", 1], {"target_columns": ["lable"]},
            "there is no column 'lable'.* Did you mean 'label'",
        ),
    ],
)  # fmt: skip
def test_features_that_cannot_be_used(store, features, row, asked, message):
    folder = store(features, train=[row])
    with pytest.raises(InputError, match=f"{folder}: {message}"):
        TfdsDataset(folder, **asked)


def test_folders_without_a_dataset(tmp_path):
    with pytest.raises(
        InputError, match="nix: there is no such folder; if it is the name of a dat"
    ):
        TfdsDataset("nix")
    with pytest.raises(InputError, match=r"has no dataset_info.json, so TFDS .* as NAME/1\.0\.0"):
        TfdsDataset(tmp_path)
    with pytest.raises(InputError, match="--length=0, expected a positive number of bases"):
        TfdsDataset(tmp_path, length=0)


def test_without_the_package(store, monkeypatch):
    folder = store({"seq": TEXT, "label": LABEL}, **ROWS)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    message = r"--source=tfds needs the packages .*; pip install 'genokeras\[tf,tfds\]'"
    with pytest.raises(InputError, match=message):
        TfdsDataset(folder)


def edit_json(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_damage(table, tmp_path):
    build_dataset(table, tmp_path / "a", "x")
    (shard,) = (tmp_path / "a").glob("x-test*")
    content = bytearray(shard.read_bytes())
    content[-20] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"a: TFDS cannot read split test \(.*; prepare it again"):
        read_all(TfdsDataset(tmp_path / "a"))
    shard.unlink()
    with pytest.raises(InputError, match="x-test.tfrecord-00000-of-00001: there is no such file"):
        TfdsDataset(tmp_path / "a")


def read_all(source):
    return list(source.batches(100))


def test_what_tfds_cannot_open(table, tmp_path):
    folder = tmp_path / "a"
    build_dataset(table, folder, "x")
    edit_json(folder / "dataset_info.json", fileFormat="array_record")
    message = "a: its files are array_record, expected tfrecord; TFDS converts them: tfds convert"
    with pytest.raises(InputError, match=message):
        TfdsDataset(folder)
    edit_json(folder / "dataset_info.json", fileFormat="tfrecord", splits=[])
    with pytest.raises(InputError, match="a holds no examples"):
        TfdsDataset(folder)
    (folder / "features.json").unlink()
    with pytest.raises(InputError, match=r"a: TFDS cannot open it \(.*; prepare it again"):
        TfdsDataset(folder)


def test_thousand_records_agree_with_an_independent_reader(yeast, write, store, tmp_path):
    """Windows that pyfaidx fetches and TFDS writes, as texts, whose order its files keep."""
    with gzip.open(yeast / "sacCer3_I_II_III.fa.gz", "rt") as file:
        genome = pyfaidx.Fasta(str(write("yeast.fa", file.read())))
    rng = np.random.default_rng(0)
    chroms = rng.choice(list(genome.keys()), 1500)
    starts = [int(rng.integers(len(genome[chrom]) - 101)) for chrom in chroms]
    texts = [genome[x][at : at + 101].seq for x, at in zip(chroms, starts, strict=True)]
    labels = [at % 3 / 2 for at in starts]
    folder = store(
        {"sequence": TEXT, "label": tfds.features.Scalar(np.float32)},
        train=list(zip(texts[:900], labels[:900], strict=True)),
        test=list(zip(texts[900:], labels[900:], strict=True)),
    )
    build_dataset(TfdsDataset(folder), tmp_path / "d", "x", config=BuildConfig(num_shards=3))
    dataset, compared = Dataset(tmp_path / "d"), 0
    for name, (low, high) in {"train": (0, 900), "test": (900, 1500)}.items():
        split = dataset.split(name)
        records = split.read(rng.permutation(split.num_examples)[:550])
        for row, text, target in zip(
            records["row"].tolist(),
            sequence.decode(records["sequence"], 101),
            records["targets"][:, 0].tolist(),
            strict=True,
        ):
            assert low <= row < high
            assert text == genome[chroms[row]][starts[row] : starts[row] + 101].seq.upper()
            assert target == labels[row]
            compared += 1
    assert compared >= 1000
