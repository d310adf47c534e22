"""FASTA files as they come: wrapped lines, Windows line ends, no last line end, lower case."""

import numpy as np
import pytest

from data_prep.fasta import Fasta
from tfrecords import sequence
from tfrecords.errors import InputError


def read(source, size=1000):
    batches = list(source.batches(size))
    packed = np.concatenate([batch.columns["sequence"] for batch in batches])
    targets = np.concatenate([batch.columns["targets"] for batch in batches])
    texts = sequence.decode(packed, source.length)
    return texts, targets[:, 0].tolist(), [code for batch in batches for code in batch.split]


@pytest.mark.parametrize("size", [1, 2, 9])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_sequence_over_several_lines(write, end, size):
    text = end.join([">one label=1", "AC", "GT", "", ">two label=0", "acgt"])
    assert read(Fasta(write("a.fa.gz", text)), size)[:2] == (["ACGT", "ACGT"], [1, 0])


def test_class_from_the_file(write):
    bound, unbound = write("pos.fa", ">\nACGT\n>\nCCGT\n"), write("neg.fa", ">\nGGGT")
    source = Fasta([bound, unbound], labels=(1, 0))
    assert read(source) == (["ACGT", "CCGT", "GGGT"], [1, 1, 0], [-1, -1, -1])
    assert [entry["num_rows"] for entry in source.inputs] == [2, 1]


def test_every_split_has_files_of_each_class(write):
    names = ("pos_train", "neg_train", "pos_test", "neg_test")
    paths = [write(f"{name}.fa", f">{name}\nACGT\n") for name in names]
    source = Fasta({"train": paths[:2], "test": paths[2:]}, labels=["1", "0"])
    assert read(source)[1:] == ([1, 0, 1, 0], [0, 0, 2, 2])


@pytest.mark.parametrize(
    "header",
    ["x label=1", "x class=1;y", "chr1:10-20|1|training", "x|1|test", "x label=1.0 class=0"],
)
def test_class_from_the_header(write, header):
    assert read(Fasta(write("a.fa", f">{header}\nACGT\n")))[1] == [1]


def test_class_from_the_header_by_an_expression_of_ones_own(write):
    path = write("a.fa", ">peak7_score:0.25\nACGT\n>peak8_score:NA\nACGT\n")
    labels = read(Fasta(path, label_regex=r"score:(\S+)"))[1]
    assert labels[0] == 0.25
    assert np.isnan(labels[1])


NO_LABEL = (
    r"a\.fa:3: no label in the header .*; --label_regex finds others, --labels=1,0 gives one "
    "to each file, and if all sequences are positives, --negatives=dinucleotide_shuffle makes the "
    "others"
)


@pytest.mark.parametrize("header", ["sequence 1", "gi|12345|ref", "labels=1", ""])
def test_a_header_without_a_class_is_an_error(write, header):
    path = write("a.fa", f">x label=1\nACGT\n>{header}\nACGT\n")
    with pytest.raises(InputError, match=NO_LABEL):
        read(Fasta(path))


def test_lengths_are_made_equal_only_on_request(write):
    path = write("a.fa", ">a label=1\nACGT\n>b label=0\nAACGTT\n")
    with pytest.raises(InputError, match=r"a\.fa:3: the sequence has 6 bases, those before it 4"):
        read(Fasta(path))
    assert read(Fasta(path, length=4))[0] == ["ACGT", "ACGT"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n>a label=1\nACGT\n", r"a\.fa:1: 'ACGT' stands before the first header; a FASTA"),
        (">a label=1\n>b label=1\nACGT\n", r"a\.fa:1: there is no sequence under this header"),
        (">a label=1\nACGT\n>b label=1\n", r"a\.fa:3: there is no sequence under this header"),
        (">a label=1\nACGT\n>b label=1\nAC!T\n", r"a\.fa:3: position 2: '!' is no base"),
        (
            ">a label=yes\nACGT\n",
            r"a\.fa:1: label is 'yes', expected a number \(of two classes 1 and 0\), or",
        ),
        ("\n\n", r"a\.fa has no sequences"),
    ],
)
def test_broken_files(write, text, message):
    with pytest.raises(InputError, match=message):
        read(Fasta(write("a.fa", text)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [1]}, "--labels=1 has 1 labels for 2 files"),
        ({"labels": [1, "x"]}, "--labels: 'x' is no number"),
        ({"label_regex": "("}, r"--label_regex=\(: missing \)"),
        ({"label_regex": "label"}, "--label_regex=label has 0 groups, expected one"),
    ],
)
def test_options_that_make_no_sense(write, options, message):
    paths = [write("a.fa", ">a\nA\n"), write("b.fa", ">b\nA\n")]
    with pytest.raises(InputError, match=message):
        Fasta(paths, **options)


def test_real_enhancers(more_data):
    folder = more_data("enhancer_200bp")
    source = Fasta(
        {
            "train": [folder / "enhancer.cv.txt.gz", folder / "non.cv.txt.gz"],
            "test": [folder / "enhancer.ind.txt.gz", folder / "non.ind.txt.gz"],
        },
        labels=(1, 0),
    )
    _, targets, splits = read(source)
    assert source.length == 200
    assert [entry["num_rows"] for entry in source.inputs] == [1484, 1484, 200, 200]
    assert np.bincount(splits).tolist() == [2968, 0, 400]
    assert sum(targets) == 1684


def test_files_without_labels_are_positives_only_if_asked(write):
    peaks = write("peaks.fa", ">peak 1\nACGT\n>peak 2\nCCGT\n")
    mixed = write("mixed.fa", ">a label=0\nACGG\n>b label=1\nCAGG\n")
    source = Fasta({"train": peaks, "test": mixed}, positives=True)
    assert read(source) == (["ACGT", "CCGT", "ACGG", "CAGG"], [1, 1, 0, 1], [0, 0, 2, 2])
    assert source.notes == (f"{peaks} has no labels, so all its sequences are positives.",)
    with pytest.raises(InputError, match="no label in the header 'peak 1'"):
        read(Fasta({"train": peaks}))


def test_a_label_after_headers_without_one(write):
    """Taken for a positive, the second sequence would have the wrong label."""
    path = write("a.fa", ">a\nACGT\n>b label=0\nCCGT\n")
    message = r"a\.fa:3: there is a label in the header 'b label=0', but none in the first one"
    with pytest.raises(InputError, match=message):
        read(Fasta(path, positives=True))
