"""Which chromosome is in which split."""

import json

import pytest

from data_prep.build_config import BuildConfig
from data_prep.chrom_splits import LEFT_OUT, read_fold_file, split_of_chroms
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

CHROMS = tuple(Chrom(name, 10) for name in ("I", "II", "III", "Mito"))


def test_chromosomes_that_no_flag_names_are_for_training():
    config = BuildConfig(valid_chroms=("II",), test_chroms=("III",))
    assert split_of_chroms(CHROMS, config).tolist() == [0, 1, 2, 0]


def test_unless_those_for_training_are_named():
    config = BuildConfig(train_chroms=("I",), test_chroms=("III",))
    assert split_of_chroms(CHROMS, config).tolist() == [0, LEFT_OUT, 2, LEFT_OUT]


def test_fold_file(tmp_path):
    path = tmp_path / "fold_0.json"
    path.write_text(json.dumps({"train": ["chr1", "chr2"], "val": ["chr3"], "test": ["chr4"]}))
    chroms = [Chrom(f"chr{number}", 100) for number in range(1, 5)]
    assert read_fold_file(path, chroms) == {
        "train": ("chr1", "chr2"),
        "valid": ("chr3",),
        "test": ("chr4",),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "fold_0.json: not JSON"),
        ("[1]", "fold_0.json: expected"),
        ('{"train": "chr1"}', "fold_0.json: expected"),
        (
            '{"test": ["chr1"]}',
            "fold_0.json: test names a chromosome that the genome has not, 'chr1'",
        ),
        ('{"valid": ["I"], "val": ["II"]}', "fold_0.json: 'val' is valid, which was there before"),
        ('{"test": ["I"], "test": ["II"]}', "'test' is test, which was .*; expected every split"),
        ('[["test", ["I"]]]', "fold_0.json: expected"),
        ('{"test": {"I": 1}}', "fold_0.json: expected"),
        ('{"tset": ["I"]}', "fold_0.json: 'tset' is no split.*Did you mean 'test'"),
    ],
)
def test_files_that_are_no_fold_files(tmp_path, content, message):
    path = tmp_path / "fold_0.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_fold_file(path, CHROMS)
