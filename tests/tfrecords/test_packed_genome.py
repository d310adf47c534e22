"""Windows of a genome whose files are written here byte by byte."""

import json
import pickle

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.packed_genome import PackedGenome
from tfrecords.schema import Feature, Schema

# A, C, G and T are 8, 4, 2 and 1. Chromosome I is aCG, II is TTga: each from its first base on, and
# half a byte later; then a block of nothing.
BASES = bytes([0x84, 0x20, 0x08, 0x42, 0x11, 0x28, 0x01, 0x12, 0x80]) + bytes(16)
SOFTMASK = bytes([0b10000000, 0b00110000, 0])
SCHEMA = Schema((Feature("sequence", "uint8", (2,), bases=3), Feature("repeat", "uint8", (1,))))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bases.bin").write_bytes(BASES)
    (tmp_path / "softmask.bin").write_bytes(SOFTMASK)
    index = {
        "sha256": "0" * 64,
        "chroms": [{"name": "I", "length": 3}, {"name": "II", "length": 4}],
        "num_bytes": {"bases": len(BASES), "softmask": len(SOFTMASK)},
    }
    (tmp_path / "genome.json").write_text(json.dumps(index))
    return tmp_path


def columns(*rows):
    return (np.array(column) for column in zip(*rows, strict=True))


def test_windows_on_both_strands(folder):
    chrom_id, start, strand = columns((0, 0, 1), (0, 0, -1), (1, 1, 0), (1, 1, -1))
    fields = PackedGenome(folder).fields(SCHEMA, chrom_id, start, strand)
    assert sequence.decode(fields["sequence"], 3) == ["ACG", "CGT", "TGA", "TCA"]
    bits = [f"{bits:08b}"[:3] for bits in fields["repeat"][:, 0]]
    assert bits == ["100", "001", "011", "110"]


def test_the_bases_beside_a_window(folder):
    """The window at 1 of one base is stored with one base on either side."""
    chrom_id, start, strand = columns((0, 1, 1), (1, 2, -1))
    fields = PackedGenome(folder).fields(SCHEMA, chrom_id, start, strand, shift_bp=1)
    assert sequence.decode(fields["sequence"], 3) == ["ACG", "TCA"]


def test_bases_past_an_end_are_padding(folder):
    windows = PackedGenome(folder).windows(np.array([0, 1]), np.array([-1, 3]), 3)
    assert sequence.decode(windows, 3) == ["-AC", "A--"]


def test_pickled_it_is_a_path(folder):
    again = pickle.loads(pickle.dumps(PackedGenome(folder)))
    assert [chrom.name for chrom in again.chroms] == ["I", "II"]


def test_a_file_that_is_cut_short(folder):
    (folder / "bases.bin").write_bytes(BASES[:-1])
    with pytest.raises(InputError, match="bases.bin is not as it was written"):
        PackedGenome(folder)
