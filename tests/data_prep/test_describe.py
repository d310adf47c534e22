"""The summary of a dataset names what is in it, and its verification finds a flipped byte."""

import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.describe import describe, verify
from data_prep.genome_windows import GenomeWindows
from data_prep.peaks import Peaks
from tfrecords.errors import InputError


@pytest.fixture
def data_dir(write, tmp_path):
    rows = ["GATTACAGAT,1,,train", "ATCTGTAATC,1,0,train", "CCCCCCGGGG,0,1,test"]
    table = write("a.csv", "\n".join(["sequence,CTCF,MYC,split", *rows]) + "\n")
    build_dataset(CsvTable(table, split_column="split"), tmp_path / "data", "x")
    return tmp_path / "data"


def test_summary(data_dir):
    text = describe(data_dir, examples=1)
    for line in (
        "x: 3 examples, 2 tasks (binary)",
        "Record: row int64(), sequence uint8(5,) = 10 bp, targets float32(2,), weight float32(2,)",
        "train           2      1  0.300               0",
        "test            1      1  1.000               0",
        "CTCF train            0          0          2",
        "MYC  train            1          1          0",
        "Input a.csv: 3 rows, sha256 ",
        "split_column=split",
        "  train: 2 rows, 1 distinct, 1 repeats on the other strand, 0 dropped",
        "  train/test  copies               0 in both, 0 of them only on the other strand",
        "  train/test  near duplicates      0 of 2 rows of train, 0 of 1 rows of test",
        "First examples of test",
        "  a.csv, row 3  CTCF=0 MYC=1  CCCCCCGGGG",
    ):
        assert line in text, text
    assert "valid" not in text


def test_compression_says_where_it_is_expanded(write, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    table = write("a.csv", "sequence,label\nACGT,1\nAAGG,0\n")
    config = BuildConfig(compression="gzip")
    build_dataset(CsvTable({"train": table}), tmp_path / "data", "x", config=config)
    assert f"Compression: gzip; expanded into {tmp_path}/cache/" in describe(tmp_path / "data")
    assert verify(tmp_path / "data") == (
        "All 2 records are as they were written; shards checked: 1."
    )


def test_missing_label_and_regression_are_shown_as_such(write, tmp_path):
    rows = ["ACGTA,0.25,train", "ACGGA,0.75,train"]
    table = write("a.csv", "\n".join(["sequence,score,split", *rows]) + "\n")
    build_dataset(
        CsvTable(table, target_columns=["score"], split_column="split"), tmp_path / "y", "y"
    )
    text = describe(tmp_path / "y", examples=9)
    assert "y: 2 examples, 1 task (regression)" in text
    assert "max       mean        min    missing        std" in text
    assert "score train         0.75        0.5       0.25          0       0.25" in text
    assert "score=0.25  ACGTA" in text


def test_long_sequences_and_many_tasks_are_cut(write, tmp_path):
    names = [f"label_{number}" for number in range(30)]
    row = ",".join(["ACGT" * 100, *["1"] * 30])
    table = write("a.csv", ",".join(["sequence", *names]) + f"\n{row}\n")
    build_dataset(CsvTable({"train": table}), tmp_path / "data", "x")
    text = describe(tmp_path / "data", examples=1)
    assert "... and 10 more tasks" in text
    assert "ACGT" * 30 + "..." in text
    assert max(map(len, text.splitlines())) < 600


def test_verification(data_dir):
    bars = []

    def progress(description, total):
        bars.append([description, total])
        update = lambda _, advance: bars[-1].append(advance)  # noqa: E731
        return type("Bar", (), {"update": update, "close": lambda _: None})()

    assert verify(data_dir, progress=progress) == (
        "All 3 records are as they were written; shards checked: 2."
    )
    assert bars == [["Verifying examples", 3, 2, 1]]


@pytest.mark.parametrize("left", [None, 50])
def test_a_shard_that_is_missing_or_cut_off_is_found_at_once(data_dir, left):
    shard = data_dir / "x-test.tfrecord-00000-of-00001"
    content = shard.read_bytes()
    shard.unlink()
    if left:
        shard.write_bytes(content[:left])
    with pytest.raises(InputError, match="x-test.tfrecord-00000-of-00001"):
        describe(data_dir)


def test_flipped_byte_is_found(data_dir):
    shard = data_dir / "x-train.tfrecord-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[-20] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match="x-train.tfrecord-00000-of-00001: record 1 is damaged"):
        verify(data_dir)


def test_whole_records_that_are_not_the_written_ones_are_found(data_dir):
    """Records in another order are each in order; only the sha256 tells."""
    shard = data_dir / "x-train.tfrecord-00000-of-00001"
    content = shard.read_bytes()
    half = len(content) // 2
    shard.write_bytes(content[half:] + content[:half])
    with pytest.raises(
        InputError, match="its sha256 is [0-9a-f]{64}, the manifest has [0-9a-f]{64}"
    ):
        verify(data_dir)


def test_what_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match="not a dataset, it has no manifest.json"):
        describe(tmp_path)
    with pytest.raises(InputError, match="--examples=-1, expected a number from 0"):
        describe(tmp_path, examples=-1)


def test_folds_and_fractions_are_among_the_flags(write, tmp_path, random_sequences):
    rows = [f"{text},{number % 2}" for number, text in enumerate(random_sequences(60, 20))]
    table = write("a.csv", "\n".join(["sequence,label", *rows]) + "\n")
    config = BuildConfig(split_fractions=(0.5, 0.25, 0.25), seed=7)
    build_dataset(CsvTable(table), tmp_path / "data", "x", config=config)
    flags = next(line for line in describe(tmp_path / "data").splitlines() if "Flags" in line)
    assert "files=input:a.csv" in flags
    assert "seed=7" in flags
    assert "split_fractions=0.5,0.25,0.25" in flags


def test_windows_without_labels_are_shown_by_their_place(write, tmp_path):
    fasta = write("g.fa", ">I\nACGTTGCAACNNNNNACGTACGTAA\n>II\nCCGGTTAACC\n")
    regions = write("regions.bed", "I\t3\t8\nI\t0\t25\nII\t0\t10\n")
    source = GenomeWindows(
        fasta, window_bp=5, max_ambiguous=0, regions=regions, cache_dir=tmp_path / "cache"
    )
    config = BuildConfig(test_chroms=("II",), leak_threshold=1)
    build_dataset(source, tmp_path / "data", "x", config=config)
    text = describe(tmp_path / "data", examples=9)
    for line in (
        "x: 6 examples, no tasks (unlabelled)",
        "Regions merged with another one: 1.",
        "Windows left out, more than 0 of the bases ambiguous: 1.",
        "  I:0-5:+  ACGTT",
        "  II:5-10:+  TAACC",
    ):
        assert line in text, text


def test_flanks_are_not_shown_and_the_match_of_negatives_is(write, tmp_path):
    fasta = write("g.fa", f">I\n{'ACGTTGCAGC' * 9}\n>II\n{'CCGGTTAACA' * 9}\n")
    peaks = [write("A.bed", "I\t12\t13\nII\t20\t21\n")]
    source = Peaks(fasta, peaks, window_bp=6, shift_bp=2, cache_dir=tmp_path / "cache")
    config = BuildConfig(test_chroms=("II",), shift_bp=2, leak_threshold=1)
    build_dataset(source, tmp_path / "data", "x", config=config)
    text = describe(tmp_path / "data", examples=9)
    assert "  I:9-15  A=1  CACGTT\n" in text
    assert "Negatives: 2 (gc_matched) for 2 positives.\nMean GC content: 0.583 of the pos" in text
    assert "  train       GC content           " in text
