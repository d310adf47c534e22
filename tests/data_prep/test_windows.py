import gzip

import numpy as np
import pytest

from data_prep import windows
from tfrecords import sequence
from tfrecords.errors import InputError


def read(path, length=4, **options):
    """All windows of a file as (name, start, end, text)."""
    return [
        (name, int(start), int(end), text)
        for batch in windows.read_windows(path, length, **options)
        for name, start, end, text in zip(
            batch["name"],
            batch["start"],
            batch["end"],
            sequence.decode(batch["sequence"], length),
            strict=True,
        )
    ]


def write(path, text):
    path.write_text(text)
    return path


def test_windows_of_a_long_sequence_end_with_it(tmp_path):
    path = write(tmp_path / "a.fa", ">chr1 assembled\nACGTA\nCGTAC\n")
    assert read(path, stride_bp=3) == [
        ("chr1", 0, 4, "ACGT"),
        ("chr1", 3, 7, "TACG"),
        ("chr1", 6, 10, "GTAC"),
    ]
    # With a stride of 4 the third window would stand out by 2, and is moved back.
    assert [row[1] for row in read(path, stride_bp=4)] == [0, 4, 6]


@pytest.mark.parametrize(
    ("num_bases", "stride_bp", "starts"),
    [
        (10, 5, [0]),
        (3, 5, [0]),
        (11, 5, [0, 1]),
        (20, 5, [0, 5, 10]),
        (21, 5, [0, 5, 10, 11]),
        (30, 10, [0, 10, 20]),
    ],
)
def test_starts_worked_by_hand(num_bases, stride_bp, starts):
    assert list(windows.window_starts(num_bases, 10, stride_bp)) == starts


def test_every_base_is_seen_and_windows_step_by_half_by_default(tmp_path):
    path = write(tmp_path / "a.fa", ">a\n" + "A" * 101 + "\n")
    found = read(path, length=20)
    assert [row[1] for row in found] == [*range(0, 81, 10), 81]
    assert {base for _, start, end, _ in found for base in range(start, end)} == set(range(101))


def test_a_shorter_sequence_is_padded_on_both_sides(tmp_path):
    path = write(tmp_path / "a.fa", ">a\nCG\n")
    assert read(path) == [("a", 0, 2, "-CG-")]


def test_padding_of_both_strands_is_the_same(tmp_path):
    """One base is left over; it goes where the opposite strand has it as well."""
    forward, reverse = read(write(tmp_path / "a.fa", ">a\nACC\n>b\nGGT\n"))
    packed = sequence.encode([forward[3], reverse[3]], 4)
    np.testing.assert_array_equal(sequence.reverse_complement(packed[:1], 4), packed[1:])


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_are_full_and_in_order(tmp_path, size):
    path = write(tmp_path / "a.fa", ">a\nACGTACGTAC\n>b\nAC\n>c\nGGGG\n")
    batches = list(windows.read_windows(path, 4, size=size))
    assert [len(batch["name"]) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert [name for batch in batches for name in batch["name"]] == ["a"] * 4 + ["b", "c"]


def test_table_without_labels(tmp_path):
    path = write(tmp_path / "a.tsv", "id\tsequence\tlabel\nfirst one\tacgu\t\nsecond\tNNNN\t1\n")
    assert read(path) == [("first one", 0, 4, "ACGT"), ("second", 0, 4, "NNNN")]


def test_rows_of_a_table_without_names_are_numbered(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("seq\nACGT\n\nTTTT\n")
    assert [row[0] for row in read(tmp_path / "a.csv.gz")] == ["0", "1"]


def test_columns_that_are_asked_for(tmp_path):
    path = write(tmp_path / "a.csv", 'name,probe,five,three\nx,"p\t1",AAAA,CCCC\n')
    assert read(path, sequence_column="three", name_column="probe") == [("p 1", 0, 4, "CCCC")]


def test_progress_is_in_bytes_of_the_file(bar, tmp_path):
    started = []
    path = write(tmp_path / "a.fa", "".join(f">{row}\nACGT\n" for row in range(50)))
    read(path, size=7, progress=lambda text, total: started.append((text, total)) or bar)
    assert started == [("Predicting (bytes)", path.stat().st_size)]
    assert (bar.done, bar.is_closed) == (path.stat().st_size, True)


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.fa", ">a\nACGT\n>b\nACXT\n", {}, r"a\.fa:3: position 2: 'X' is no base"),
        ("a.fa", ">a\nACGTACGTAAE\n", {}, r"a\.fa:1: position 10: 'E' is no base"),
        ("a.fa", ">a\nAC-T\n", {}, r"a\.fa:1, position 2: '-' is a gap"),
        ("a.fa", ">a\n\n>b\nA\n", {}, r"a\.fa:1: there is no sequence under this header"),
        ("a.fa", ">a\nACGT\n", {"stride_bp": 5}, "--stride_bp=5, expected 1 to 4, the window"),
        ("a.fa", ">a\nACGT\n", {"stride_bp": 0}, "--stride_bp=0, expected 1 to 4"),
        ("a.fa", ">a\nACGT\n", {"name_column": "id"}, "FASTA file; .* are for tables"),
        ("a.csv", "id,sequence\na,ACGT\nb,ACQT\n", {}, r"a\.csv:3: position 2: 'Q' is no base"),
        ("a.csv", "id,sequence\na,\n", {}, r"a\.csv:2: the sequence is empty"),
        ("a.csv", "id,sequence\na\n", {}, r"a\.csv:2: 1 cells, but the header names 2"),
        ("a.csv", 'id,sequence\na,"AC\n', {}, r"a\.csv:2: unexpected end of data"),
        ("a.csv", "id,sequence\n", {}, r"a\.csv has a header and no rows"),
        ("a.csv", "id,text\na,ACGT\n", {}, r"a\.csv:1: no column is named like a sequence"),
        ("a.csv", "id,dna\na,A\n", {"sequence_column": "dan"}, "no column 'dan'.*mean 'dna'"),
        ("a.csv", "id,dna\na,A\n", {"name_column": "names"}, "no column 'names'"),
        ("a.fa", "", {}, r"a\.fa is empty"),
    ],
)  # fmt: skip
def test_errors_say_where(tmp_path, name, content, options, message):
    path = write(tmp_path / name, content)
    with pytest.raises(InputError, match=message):
        read(path, **options)


def test_a_missing_file_is_named_at_once(tmp_path):
    with pytest.raises(InputError, match=r"b\.fa: there is no such file"):
        windows.read_windows(tmp_path / "b.fa", 4)
