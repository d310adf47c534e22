"""Plain and compressed text reads the same, and damage is told from the end of a file."""

import bz2
import gzip
import hashlib
import sys
import tracemalloc

import pytest
import zstandard

from data_prep.text_file import TextFile
from tfrecords.errors import InputError

TEXT = "sequence,label\n" + "".join(f"{'ACGT' * 30},{i % 2}\n" for i in range(20_000))
COMPRESS = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def read(path):
    return list(TextFile(path).lines())


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_compression_gives_the_same_lines(tmp_path, suffix):
    path = tmp_path / f"table.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT.encode()))
    file = TextFile(path)
    assert list(file.lines()) == TEXT.splitlines()
    assert file.num_bytes == path.stat().st_size
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.name == f"table.csv{suffix}"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_files_joined_after_compression_read_as_one(tmp_path, suffix):
    """`cat a.gz b.gz` is a valid file, and how bgzip writes all of its files."""
    path = tmp_path / f"table.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](b"one\n") + COMPRESS[suffix](b"two\n"))
    assert read(path) == ["one", "two"]


def test_memory_of_zstandard_does_not_depend_on_how_well_a_file_compresses(tmp_path):
    """200 MB of one letter are 6 kB of a file; whoever reads it all at once holds it all."""
    path = tmp_path / "table.csv.zst"
    line = b"A" * 999 + b"\n"
    frame = zstandard.ZstdCompressor().compressobj()
    parts = [frame.compress(line * 1000) for _ in range(200)]
    path.write_bytes(b"".join([*parts, frame.flush()]))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    num_letters = sum(map(len, TextFile(path).blocks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert num_letters == 200_000_000
    assert peak < 80_000_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_are_one(write, end):
    lines = ["ACGT" * 100] * 30_000
    assert read(write("a.txt", end.join(lines) + end)) == lines


@pytest.mark.parametrize("last", ["", "\n"])
def test_last_line_needs_no_end(write, last):
    assert read(write("a.txt", "one\ntwo" + last)) == ["one", "two"]


def test_byte_order_mark_is_not_part_of_the_first_name(write):
    assert read(write("a.csv", b"\xef\xbb\xbfsequence,label\n")) == ["sequence,label"]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_file_cut_short_is_an_error_and_not_a_shorter_file(tmp_path, suffix):
    path = tmp_path / f"table.csv{suffix}"
    content = COMPRESS[suffix](TEXT.encode())
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError, match=f"table.csv{suffix} ends in the middle of its compressed"):
        read(path)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_damaged_file_is_an_error(tmp_path, suffix):
    path = tmp_path / f"table.csv{suffix}"
    content = bytearray(COMPRESS[suffix](TEXT.encode()))
    content[20:60] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"table.csv{suffix} (cannot be decompressed|ends in)"):
        read(path)


@pytest.mark.parametrize("line", [1, 3, 25_000])
def test_line_that_is_not_utf8_is_named(tmp_path, line):
    lines = [b"ACGT" * 25] * 30_000
    lines[line - 1] = "5µM".encode("latin-1")
    path = tmp_path / "table.csv"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match=f"table.csv:{line}: not UTF-8 text; save the file as"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", b"sequence,label\n", "a.csv.gz is named .gz but is not compressed that way"),
        (
            "a.csv",
            gzip.compress(b"x", mtime=0),
            "a.csv holds .gz data; rename it so that its name ends in",
        ),
        ("a.csv.bz2", gzip.compress(b"x", mtime=0), "is named|holds .gz data"),
        ("a.csv", b"PK\x03\x04rest", "a.csv is a zip archive or an Excel workbook; expected text"),
        ("a.tsv", b"PAR1rest", "a.tsv is a Parquet file"),
        ("a.bw", b"\x26\xfc\x8f\x88rest", "a.bw is a bigWig file; expected text"),
        (
            "a.bb",
            b"\xeb\xf2\x89\x87rest",
            r"a.bb is a bigBed file \(bigBedToBed makes text of it\)",
        ),
        ("a.2bit", b"\x43\x27\x41\x1arest", r"a.2bit is a 2bit file \(twoBitToFa makes FASTA"),
        ("a.cram", b"CRAM\x03", "a.cram is a CRAM file; expected text"),
        ("a.bam", gzip.compress(b"BAM\1", mtime=0), "a.bam is a BAM file; expected text, plain"),
        ("a.csv", b"", "a.csv is empty"),
    ],
)
def test_wrong_kind_of_file(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        TextFile(path)


def test_missing_file_gets_a_suggestion(write, tmp_path):
    write("train.csv.gz", "sequence,label\n")
    with pytest.raises(
        InputError, match=r"trian.csv.gz: there is no such file. Did you mean '.*/tr"
    ):
        TextFile(tmp_path / "trian.csv.gz")
    with pytest.raises(InputError, match="no/folder/x.csv: there is no such file.$"):
        TextFile("no/folder/x.csv")


def test_patterns_are_not_files(write, tmp_path):
    write("a.bed", "")
    with pytest.raises(
        InputError, match=r"\*.bed: no such file; patterns are not expanded here, so"
    ):
        TextFile(tmp_path / "*.bed")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="is a folder, expected a file"):
        TextFile(tmp_path)


def test_missing_package_for_zstandard_says_how_to_get_it(tmp_path, monkeypatch):
    path = tmp_path / "a.csv.zst"
    path.write_bytes(COMPRESS[".zst"](b"x"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(
        InputError, match=r"needs the package zstandard; pip install 'genokeras\[pr"
    ):
        TextFile(path)
