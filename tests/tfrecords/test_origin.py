"""`row` leads back to the file: known by hand, and from builds whose sequences tell their rows."""

import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.fasta import Fasta
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.manifest import Manifest
from tfrecords.origin import origin
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema


def manifest(*inputs, source="csv"):
    files = tuple({"file": name, "num_rows": count} for name, count in inputs)
    schema = Schema((Feature("row", "int64", ()),))
    return Manifest("x", schema, {}, inputs=files, flags={"source": source})


def test_windows_of_a_genome_are_told_by_their_place():
    schema = Schema((Feature("row", "int64", ()), Feature("sequence", "uint8", (8,), bases=16)))
    of_genome = Manifest("x", schema, {}, shift_bp=3, chroms=(Chrom("I", 90), Chrom("II", 50)))
    assert origin(of_genome, 7, chrom_id=1, start=20, strand=-1) == "II:20-30:-"
    assert origin(of_genome, 7, chrom_id=0, start=0) == "I:0-10"
    assert origin(of_genome, 7, chrom_id=-1, start=-1, strand=1) == "made negative, row 7"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (0, "a.csv, row 1"),
        (2, "a.csv, row 3"),
        (3, "c.csv, row 1"),
        (6, "c.csv, row 4"),
        (7, "negative 1 made of a.csv, row 1"),
        (18, "negative 2 made of c.csv, row 2"),
    ],
)
def test_rows_of_three_and_no_and_four(row, text):
    assert origin(manifest(("a.csv", 3), ("b.csv", 0), ("c.csv", 4)), row) == text


def test_files_of_one_name_fasta_and_no_inputs():
    same = manifest(("x.fa", 1), ("y.fa", 1), ("x.fa", 1), source="fasta")
    assert [origin(same, row) for row in range(3)] == [
        "x.fa (input file 1), record 1", "y.fa, record 1", "x.fa (input file 3), record 1",
    ]  # fmt: skip
    assert origin(manifest(), 5) == "row 5"


def examples(data_dir):
    """Yields the text and the origin of every example."""
    dataset = Dataset(data_dir)
    for name in dataset.manifest.splits:
        split = dataset.split(name)
        fields = split.read(np.arange(split.num_examples))
        for text, row in zip(sequence.decode(fields["sequence"], 40), fields["row"], strict=True):
            yield text, origin(dataset.manifest, int(row))


@pytest.fixture
def texts():
    letters = np.random.default_rng(0).choice(list("ACGT"), (120, 40))
    return ["".join(row) for row in letters]


def write_table(path, texts, labels=None):
    """Every tenth row has no label and is left out; blank lines are no rows."""
    labels = labels or [str(number % 2) if number % 10 else "" for number in range(len(texts))]
    rows = [f"{text},{label}" for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(["sequence,label", *rows[:5], "", *rows[5:]]) + "\n")
    return path


@pytest.mark.parametrize("given", ["splits", "fractions"])
def test_tables_with_rows_left_out_and_copies(tmp_path, texts, given):
    # Rows 12 and 14 of the first file are in the second one, too, and are taken out of train.
    files = {"a.csv": texts[:50], "b.csv": [texts[11], texts[13], *texts[50:]]}
    paths = [write_table(tmp_path / name, rows) for name, rows in files.items()]
    source, config = CsvTable({"train": paths[0], "test": paths[1]}), {"leak_threshold": 1}
    if given == "fractions":
        source, config = CsvTable(paths), config | {"split_fractions": (0.6, 0.2, 0.2)}
    build_dataset(source, tmp_path / "data", "x", config=BuildConfig(**config))
    found = list(examples(tmp_path / "data"))
    assert len(found) > 90
    for text, place in found:
        name, number = place.split(", row ")
        assert files[name][int(number) - 1] == text


def test_records_and_the_negatives_made_of_them(tmp_path, texts):
    records = "".join(f">s{number}\n{text}\n" for number, text in enumerate(texts))
    (tmp_path / "a.fa").write_text(records)
    source = Fasta({"train": tmp_path / "a.fa"}, labels=["1"])
    config = BuildConfig(negatives="dinucleotide_shuffle", negatives_per_positive=2)
    build_dataset(source, tmp_path / "data", "x", config=config)
    found = list(examples(tmp_path / "data"))
    assert len(found) == 360
    for text, place in found:
        made, _, number = place.rpartition("a.fa, record ")
        original = texts[int(number) - 1]
        assert made in ("", "negative 1 made of ", "negative 2 made of ")
        assert (text == original) is (made == "")
        # A shuffle keeps the bases: this negative can be of no other record by chance alone.
        assert sorted(text) == sorted(original)
