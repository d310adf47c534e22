"""Builds from tables whose rows belong to groups: no split parts the rows of one."""

import collections

import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

SPLITS = ("train", "valid", "test")


@pytest.fixture
def genes(write, random_sequences):
    """A table of 600 rows, 4 of each of 150 genes, spread over it; row n is of gene n % 150."""
    texts = random_sequences(600, 40)
    rows = [f"{text},{n % 2},gene{n % 150}" for n, text in enumerate(texts)]
    return write("genes.csv", "\n".join(["sequence,label,gene", *rows]) + "\n")


def genes_of_splits(data_dir):
    """The genes of every split, each with how many rows of it are there."""
    dataset = Dataset(data_dir)
    found = {}
    for name in dataset.manifest.splits:
        split = dataset.split(name)
        rows = split.read(np.arange(split.num_examples))["row"]
        found[name] = collections.Counter((rows % 150).tolist())
    return found


@pytest.mark.parametrize(
    "config",
    [
        BuildConfig(split_fractions=(0.6, 0.2, 0.2)),
        BuildConfig(num_folds=5, fold=1),
    ],
    ids=["fractions", "folds"],
)
def test_rows_of_a_group_stay_together(genes, tmp_path, config):
    source = CsvTable(genes, group_column="gene")
    build_dataset(source, tmp_path / "d", "x", config=config)
    found = genes_of_splits(tmp_path / "d")
    assert set(found) == set(SPLITS)
    assert all(set(counts.values()) == {4} for counts in found.values())
    assert sorted(gene for counts in found.values() for gene in counts) == list(range(150))
    assert 60 <= len(found["train"]) <= 120


def test_without_the_column_they_part(genes, tmp_path):
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2))
    build_dataset(CsvTable(genes), tmp_path / "d", "x", config=config)
    assert set(genes_of_splits(tmp_path / "d")["train"].values()) != {4}


def test_folds_deal_groups_out_once_each(genes, tmp_path):
    tested = collections.Counter()
    for fold in range(3):
        config = BuildConfig(num_folds=3, fold=fold)
        source = CsvTable(genes, group_column="gene")
        build_dataset(source, tmp_path / str(fold), "x", config=config)
        tested += genes_of_splits(tmp_path / str(fold))["test"]
    assert set(tested.values()) == {4}
    assert len(tested) == 150


def test_fewer_groups_than_splits(write, tmp_path):
    table = write("a.csv", "sequence,label,donor\nACGTA,1,a\nACCTA,0,a\nGGCTA,0,a\n")
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2))
    with pytest.raises(InputError, match="split .* would be empty: there are too few rows"):
        build_dataset(CsvTable(table, group_column="donor"), tmp_path / "d", "x", config=config)
