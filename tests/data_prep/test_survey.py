"""What is counted for a picture is what a look at the texts gives."""

import collections

import numpy as np
import pytest

from data_prep import survey as surveys
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.genome_windows import GenomeWindows
from data_prep.survey import survey
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

PLACES = ("ACGT", "TGCA")


@pytest.fixture
def dataset(write, tmp_path):
    """Builds a dataset of rows with columns sequence, labels and split."""

    def make(rows, columns="label", config=None, **options):
        lines = [",".join(map(str, row)) for row in rows]
        table = write("all.csv", "\n".join([f"sequence,{columns},split", *lines]) + "\n")
        source = CsvTable(table, split_column="split", **options)
        build_dataset(source, tmp_path / "data", "x", config=config)
        return tmp_path / "data"

    return make


@pytest.fixture
def binary(random_sequences):
    """300 rows of train and 100 of test, the positives rich in G and C."""
    texts = random_sequences(150, 60, 1, "AACCCGGGTT") + random_sequences(150, 60, 2, "AAATTTCG")
    train = [(text, int(number < 150), "train") for number, text in enumerate(texts)]
    test = [(text, n % 2, "test") for n, text in enumerate(random_sequences(100, 60, 3))]
    return train + test


def canonical_counts(texts, k):
    """K-mers of both strands, each under the name that sorts first, by text."""
    counts = collections.Counter()
    for text in texts:
        for start in range(len(text) - k + 1):
            word = text[start : start + k]
            opposite = word.translate(str.maketrans(*PLACES))[::-1]
            if set(word) <= set("ACGT"):
                counts[min(word, opposite)] += 1
    return counts


def test_classes_kmers_and_gc_of_both_classes(dataset, binary):
    found = survey(dataset(binary))
    assert found.title == "x: 400 examples of 60 bp"
    assert found.groups == ("negatives", "positives")
    assert found.num_read == {"train": (300, 300), "test": (100, 100)}
    assert found.classes["train"].tolist() == [[150, 150, 0]]
    assert found.classes["test"].tolist() == [[50, 50, 0]]
    assert len(found.kmers) == len(set(found.kmers)) == 2080
    for group in (0, 1):
        texts = [text for text, label, split in binary if (label, split) == (group, "train")]
        counts = canonical_counts(texts, 6)
        expected = [counts.get(kmer, 0) for kmer in found.kmers]
        assert found.kmer_counts[group].tolist() == expected
        shares = [(text.count("G") + text.count("C")) / 60 for text in texts]
        histogram, _ = np.histogram(shares, found.gc_edges)
        assert found.gc_counts["train"][group].tolist() == histogram.tolist()
        assert set(found.examples[group]) <= set(texts)
        assert len(found.examples[group]) == 12
    assert found.gc_counts["train"].sum() == 300
    assert found.audit["rows"] == {"train": 300, "test": 100}


@pytest.mark.parametrize("length", [7, 40, 41, 101, 1000])
def test_as_many_values_of_gc_fall_into_each_bin(dataset, random_sequences, length):
    """Else a histogram of short sequences has the teeth of a comb."""
    edges = survey(dataset([(random_sequences(1, length)[0], 1, "train")])).gc_edges
    values = np.histogram(np.arange(length + 1) / length, edges)[0]
    assert values.sum() == length + 1
    assert len(set(values[:-1])) == 1
    assert len(values) <= 42


def test_padding_and_unknown_bases_count_in_nothing_but_the_length(dataset):
    rows = [("GGNCC", 1, "train"), ("GGGGGAAAAA", 0, "train")]
    found = survey(dataset(rows, length=10))
    assert found.lengths["train"].tolist() == [0] * 5 + [1] + [0] * 4 + [1]
    gc_content = [found.gc_edges[np.flatnonzero(counts)[0]] for counts in found.gc_counts["train"]]
    assert gc_content[1] < 1.0 <= gc_content[1] + 0.11
    assert gc_content[0] < 0.5 <= gc_content[0] + 0.11
    assert found.kmer_counts.sum(axis=1).tolist() == [5, 0]


def test_with_flanks_the_window_is_counted(dataset):
    rows = [("CCCAAAAAAACCC", 1, "train")]
    found = survey(dataset(rows, config=BuildConfig(shift_bp=3)))
    assert found.title == "x: 1 examples of 7 bp"
    assert {
        kmer for kmer, count in zip(found.kmers, found.kmer_counts[1], strict=True) if count
    } == {"AAAAAA"}
    assert found.examples[1] == ("AAAAAAA",)
    assert found.lengths["train"].argmax() == 13


def test_several_tasks_are_grouped_by_any_label_1(dataset):
    rows = [("AAAAAA", 1, 0, "train"), ("CCCCCC", 0, "", "train"), ("AACCAA", "", 1, "train")]
    found = survey(dataset(rows, "label_a,label_b"))
    assert found.groups == ("no label 1", "some label 1")
    assert found.classes["train"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert found.examples[0] == ("CCCCCC",)
    assert set(found.examples[1]) == {"AAAAAA", "AACCAA"}


def test_a_regression_compares_its_quarters(dataset, random_sequences):
    texts, values = random_sequences(1000, 20), np.random.default_rng(0).normal(size=1000)
    rows = [(text, f"{value:.6f}", "train") for text, value in zip(texts, values, strict=True)]
    found = survey(dataset(rows, task_type="regression"))
    assert found.classes == {}
    assert found.groups == ("lowest quarter", "highest quarter")
    low, high = np.quantile(values, [0.25, 0.75])
    value_of = dict(zip(texts, values, strict=True))
    assert all(value_of[text] <= low + 1e-6 for text in found.examples[0])
    assert all(value_of[text] >= high - 1e-6 for text in found.examples[1])
    assert found.gc_counts["train"].sum(axis=1).tolist() == [250, 250]
    edges, counts = found.target_edges, found.target_counts["train"][0]
    assert edges[[0, -1]] == pytest.approx(np.quantile(values, [0.001, 0.999]), abs=1e-4)
    assert counts.sum() == 1000
    inside = np.histogram(values, edges[1:-1])[0]
    assert np.abs(counts[1:-1] - inside).max() <= 1


def test_a_regression_of_one_value(dataset):
    rows = [("AAAAAA", 2.5, "train"), ("CCCCCC", 2.5, "train")]
    found = survey(dataset(rows, task_type="regression"))
    assert found.target_edges[0] == 2.5
    assert found.target_counts["train"].sum() == 2


def test_of_a_large_split_a_random_part_is_read(dataset, binary, monkeypatch):
    monkeypatch.setattr(surveys, "_MAX_EXAMPLES", 120)
    monkeypatch.setattr(surveys, "_BLOCK_BYTES", 5000)
    found = survey(dataset(binary))
    assert found.num_read == {"train": (120, 300), "test": (100, 100)}
    assert found.classes["train"].sum() == 120
    assert 30 < found.classes["train"][0, 1] < 90
    assert found.kmer_counts.sum() == 120 * 55


def test_blocks_do_not_matter(dataset, binary, monkeypatch):
    data_dir = dataset(binary)
    whole = survey(data_dir)
    monkeypatch.setattr(surveys, "_BLOCK_BYTES", 700)
    parts = survey(data_dir)
    np.testing.assert_array_equal(parts.kmer_counts, whole.kmer_counts)
    np.testing.assert_array_equal(parts.gc_counts["train"], whole.gc_counts["train"])
    assert parts.examples == whole.examples


def test_a_short_window_has_shorter_kmers(dataset):
    found = survey(dataset([("ACG", 1, "train")]))
    assert found.kmers[0] == "AAA"
    assert len(found.kmers) == 32
    assert found.kmer_counts.sum() == 1


def test_nothing_to_look_at(tmp_path):
    schema = Schema(
        (Feature("sequence", "uint8", (2,), bases=4), Feature("targets", "float32", (1,)))
    )
    Manifest("x", schema, {"train": ()}, tasks=("a",)).save(tmp_path)
    with pytest.raises(InputError, match="there are no examples to look at"):
        survey(tmp_path)


def test_windows_without_labels_are_one_group(write, tmp_path):
    fasta = write("g.fa", f">I\n{'ACGTTGCAGC' * 9}\n")
    source = GenomeWindows(fasta, window_bp=10, cache_dir=tmp_path / "cache")
    build_dataset(source, tmp_path / "d", "x", config=BuildConfig(train_chroms=("I",)))
    found = survey(tmp_path / "d")
    assert found.groups == ("all examples", "labels")
    assert found.tasks == ()
    assert found.gc_counts["train"].sum(axis=1).tolist() == [9, 0]
    assert found.kmer_counts.sum(axis=1).tolist() == [9 * 5, 0]
    assert found.examples == (("ACGTTGCAGC",) * 9, ())
