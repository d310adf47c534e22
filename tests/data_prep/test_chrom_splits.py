"""Which chromosome is in which split."""

import json

import pytest

from data_prep.build_config import BuildConfig
from data_prep.chrom_splits import LEFT_OUT, genome_names, read_fold_file, split_of_chroms
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

CHROMS = tuple(Chrom(name, 10) for name in ("I", "II", "III", "Mito"))


def test_chromosomes_that_no_flag_names_are_for_training():
    config = BuildConfig(valid_chroms=("II",), test_chroms=("III",))
    assert split_of_chroms(CHROMS, config).tolist() == [0, 1, 2, 0]


def test_unless_those_for_training_are_named():
    config = BuildConfig(train_chroms=("I",), test_chroms=("III",))
    assert split_of_chroms(CHROMS, config).tolist() == [0, LEFT_OUT, 2, LEFT_OUT]


def test_names_of_another_style():
    lines = []
    named = {"valid": ("chr2",), "test": ("chrM", "chr3")}
    found = genome_names("fold_0.json", named, CHROMS, "auto", lines.append)
    assert found == {"valid": ("II",), "test": ("Mito", "III")}
    (line,) = lines
    assert line.endswith("Roman numerals: chr2 = II, chr3 = III, chrM = Mito (fold_0.json).")


@pytest.mark.parametrize(
    ("name", "alias", "message"),
    [
        (
            "chr2",
            "none",
            "fold_0.json names the chromosomes Mito, chr2; the genome has I, II, III, ",
        ),
        ("chr5", "auto", "--chrom_alias=auto does not match chr5"),
        ("chrM", "auto", "Mito and chrM are both Mito"),
    ],
)
def test_names_that_do_not_match(name, alias, message):
    with pytest.raises(InputError, match=message):
        genome_names("fold_0.json", {"train": ("Mito",), "test": (name,)}, CHROMS, alias, print)


def test_fold_file(tmp_path):
    path = tmp_path / "fold_0.json"
    path.write_text(json.dumps({"train": ["chr1", "chr2"], "val": ["chr3"], "test": ["chr4"]}))
    assert read_fold_file(path) == {
        "train": ("chr1", "chr2"),
        "valid": ("chr3",),
        "test": ("chr4",),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "fold_0.json: not JSON"),
        ("", 'fold_0.json is empty; expected {"train": '),
        ("[1]", "fold_0.json: expected"),
        ('{"train": "chr1"}', "fold_0.json: expected"),
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
        read_fold_file(path)
