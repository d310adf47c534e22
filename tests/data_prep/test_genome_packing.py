"""FASTA files of genomes as they come, and what is said of those that are none."""

import bz2
import gzip
import hashlib
import sys

import numpy as np
import pysam
import pytest

from data_prep import genome_packing
from data_prep.genome import open_genome
from tfrecords.errors import InputError

TEXT = ">one some words\nACGTN\nacgtn\n>two\nGATTACA\n"


@pytest.fixture
def pack(write, tmp_path):
    """Packs a text and returns the genome."""
    return lambda name, text: open_genome(write(name, text), cache_dir=tmp_path / "cache")


def stored(genome):
    return {name: (genome.folder / f"{name}.bin").read_bytes() for name in genome_packing.FILES}


def test_both_phases_by_hand(pack):
    genome = pack("a.fa", ">x\nACG\n>y\nACGT\n")
    even_x, odd_x, even_y, odd_y = "8420", "0842", "8421", "084210"
    found = stored(genome)["bases"].hex()
    assert found == even_x + odd_x + even_y + odd_y + "00" * genome_packing.BLOCK_BYTES


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.removesuffix("\n"),
        TEXT.replace("N\nac", "Nac").replace("\n>two", "\n\n>two"),
        "\n\n" + TEXT,
        "\ufeff" + TEXT,
        TEXT.replace("GATTACA", "GAUUACA"),
    ],
    ids=["plain", "windows", "no last line end", "wrapped otherwise", "blank", "mark", "RNA"],
)
def test_the_same_genome_however_it_is_written(pack, text):
    expected, found = pack("expected.fa", TEXT), pack("found.fa", text)
    assert [(chrom.name, chrom.length) for chrom in found.chroms] == [("one", 10), ("two", 7)]
    assert stored(found) == stored(expected)


def test_gzip_and_bgzip(pack, tmp_path):
    expected = stored(pack("plain.fa", TEXT))
    assert stored(pack("a.fa.gz", TEXT)) == expected
    pysam.tabix_compress(str(tmp_path / "plain.fa"), str(tmp_path / "b.fa.gz"))
    blocked = open_genome(tmp_path / "b.fa.gz", cache_dir=tmp_path / "cache")
    assert stored(blocked) == expected
    assert blocked.sha256 == hashlib.sha256((tmp_path / "b.fa.gz").read_bytes()).hexdigest()


def test_other_compression_is_refused(pack):
    message = (
        r"a\.fa\.bz2: a genome is read plain or compressed with gzip or bgzip, not as \.bz2; "
        "compress it anew, as bgzip does"
    )
    with pytest.raises(InputError, match=message):
        pack("a.fa.bz2", bz2.compress(TEXT.encode()))


@pytest.mark.parametrize("length", [63, 64, 65, 256])
def test_pieces_do_not_show(monkeypatch, pack, random_sequences, length):
    """A chromosome is packed in pieces; runs of N and blocks of counts go across their ends."""
    text = random_sequences(1, length, letters="ACGTacgtNNNNNNRy")[0]
    text = f">x\n{text}\n>y\nNN{text[::-1]}NNN\n"
    whole = stored(pack("whole.fa", text))
    monkeypatch.setattr(genome_packing, "_CHUNK_BP", genome_packing.BLOCK_BP)
    assert stored(pack("pieces.fa", text + "\n")) == whole


def test_gaps_are_the_runs_of_n(pack):
    gaps = pack("a.fa", ">x\nNNACnNGTN\n>y\nACGT\n>z\nAN\n").gaps
    rows = np.stack([gaps.chrom_id, gaps.start, gaps.end], axis=1)
    assert rows.tolist() == [[0, 0, 2], [0, 4, 6], [0, 8, 9], [2, 1, 2]]
    assert len(pack("b.fa", ">x\nACGR\n").gaps) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", r"a\.fa is empty"),
        (b"\n\n", r"a\.fa:1: '', expected a FASTA file, which begins with >NAME"),
        (b"ACGT\n", r"a\.fa:1: 'ACGT', expected a FASTA file, which begins with >NAME"),
        (b"\n@r\nAC\n+\nII\n", r"a\.fa:2: '@r', expected a FASTA file"),
        (
            b">x\nAC\n>y\nAC\n>x z\nAC\n",
            r"a\.fa:5: the name 'x' was there before, in line 1; every chromosome needs a name of "
            "its own",
        ),
        (b">x\n>y\nAC\n", r"a\.fa:1: there is no sequence under this header"),
        (b">x\nAC\n>y\n", r"a\.fa:3: there is no sequence under this header"),
        (b">x\nAC\n> y\nAC\n", r"a\.fa:3: there is no name right after the >"),
        (b">x\nACGT\nACXT\n", r"a\.fa:3, position 2: 'X' is no base and no IUPAC code"),
        (b">x\nACGT \n", r"a\.fa:2, position 4: ' ' is no base"),
        (b">x\nAC\n>y\nA\xc3\xa9\n", r"a\.fa:4, position 1: 'é' is no base"),
        (b">x\nAC\nA-C\n", r"a\.fa:3, position 1: '-' is a gap of an alignment; expected the"),
        (b">x\nAC\n;a comment\n", r"a\.fa:3, position 0: ';' is no base"),
        (b">x\nAC\n+\nII\n", r"a\.fa:3, position 0: '\+' is no base"),
        (b">x\nA\xffC\n", r"a\.fa:2: not UTF-8 text; save the file as UTF-8"),
        (
            b">x\rAC\r",
            r"a\.fa cannot be read as FASTA, expected lines that begin with >NAME, and under each "
            r"its sequence, in lines that end in \\n or \\r\\n",
        ),
    ],
)
def test_what_is_no_genome(pack, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        pack("a.fa", text)
    assert list(tmp_path.glob("cache/*")) == list(tmp_path.glob("cache/.*")) == []


@pytest.mark.parametrize("is_blocked", [False, True])
def test_compressed_data_that_end_early(write, tmp_path, random_sequences, capfd, is_blocked):
    path = write("whole.fa", ">x\n" + "\n".join(random_sequences(5000, 60)))
    packed = tmp_path / "whole.fa.gz"
    if is_blocked:
        pysam.tabix_compress(str(path), str(packed))
    else:
        packed.write_bytes(gzip.compress(path.read_bytes()))
    part = write("part.fa", packed.read_bytes()[:50_000]).rename(tmp_path / "part.fa.gz")
    with pytest.raises(InputError, match="part.fa.gz ends in the middle of its compressed data"):
        open_genome(part, cache_dir=tmp_path / "cache")
    assert capfd.readouterr().err == ""


def test_a_missing_file_and_a_missing_package(pack, write, monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"genom\.fa: there is no such file\. Did you mean .*me"):
        open_genome(write("genome.fa", TEXT).with_name("genom.fa"), cache_dir=tmp_path)
    monkeypatch.setitem(sys.modules, "pysam", None)
    with pytest.raises(InputError, match=r"needs the package pysam; pip install 'genokeras\[prep"):
        pack("a.fa", TEXT)
