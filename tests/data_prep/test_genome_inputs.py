"""Files of one genome together: names, places, and what the manifest holds of them."""

import hashlib

import pytest

from data_prep.genome_inputs import GenomeInputs
from tfrecords.errors import InputError


@pytest.fixture
def opened(write, tmp_path):
    """Opens a genome of two chromosomes with one file of intervals."""
    fasta = write("g.fa", f">I\n{'ACGT' * 10}\n>II\n{'AACC' * 5}\n")

    def open_with(text, name="a.bed", **options):
        path = write(name, text)
        return GenomeInputs(fasta, {"peaks": [path]}, cache_dir=tmp_path / "cache", **options)

    return open_with


def test_intervals_get_the_numbers_of_the_genome(opened):
    files = opened("chr2\t1\t5\nchr1\t2\t6\n", chrom_alias="auto")
    assert files.intervals["peaks"][0].chrom_id.tolist() == [1, 0]
    assert files.all("peaks").start.tolist() == [1, 2]
    assert files.notes == (
        "Chromosome names matched by Roman numerals: chr1 = I, chr2 = II (a.bed).",
    )


def test_every_file_is_named_and_hashed(opened, write):
    alias = write("names.txt", "I\tone\nII\ttwo\n")
    files = opened("one\t0\t4\n", chrom_alias=str(alias))
    assert [(entry["file"], entry["num_rows"]) for entry in files.inputs] == [
        ("g.fa", 2),
        ("a.bed", 1),
        ("names.txt", 2),
    ]
    for entry, path in zip(files.inputs, files.paths, strict=True):
        with open(path, "rb") as file:
            assert entry["sha256"] == hashlib.sha256(file.read()).hexdigest()
    assert files.flags == {
        "files": {"fasta": ["g.fa"], "peaks": ["a.bed"], "chrom_alias": ["names.txt"]},
        "chrom_alias": None,
    }
    assert list(files.paths_by_split) == ["fasta", "peaks", "chrom_alias"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t0\t5\n", "a.bed names the chromosomes chr1; the genome has I, II; --chrom_alias="),
        ("I\t5\t5\n", r"a.bed:1: I 5 5: the end is not after the start"),
        ("I\t7\t5\n", r"a.bed:1: I 7 5: the end is not after the start"),
        ("I\t-1\t5\n", r"a.bed:1: I -1 5: the start is negative, expected 0 or more"),
        ("I\t1.5\t5\n", r"a.bed:1: start '1.5', expected a whole number of bases"),
        ("chrom\tstart\tend\nI\t1\t5\n", r"a.bed:1: start 'start', expected a whole number"),
        ("I\t0\t5\nII\t3\t21\n", r"a.bed:2: II 3 21 ends past its chromosome: II has 20 bp"),
        ("", "a.bed is empty"),
        ("# nothing\n", "a.bed has no intervals"),
    ],
)
def test_intervals_that_do_not_fit(opened, text, message):
    with pytest.raises(InputError, match=message):
        opened(text)


def test_lines_of_windows_are_lines(opened):
    files = opened('track name="x"\r\nI\t1\t5\r\nII\t0\t3\r\n')
    assert files.all("peaks").end.tolist() == [5, 3]


def test_a_genome_with_a_name_twice_is_refused(write, tmp_path):
    fasta = write("twice.fa", ">I\nACGT\n>II\nACGT\n>I\nACGT\n")
    with pytest.raises(InputError, match=r"twice.fa:5: the name 'I' was there before, in line 1"):
        GenomeInputs(fasta, {"peaks": []}, cache_dir=tmp_path / "cache")
