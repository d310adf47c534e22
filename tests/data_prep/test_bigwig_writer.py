"""bigWig files of predictions, read again with pyBigWig."""

import numpy as np
import pyBigWig
import pytest

from data_prep.bigwig_writer import num_tiles, paths_of, tiles, write_bigwigs
from data_prep.genome import open_genome
from tfrecords import sequence
from tfrecords.errors import InputError

TEXTS = {"a": "ACGTTGCATCAGGATTACAGATTACCAGGT", "b": "GATTACA"}


@pytest.fixture
def genome(tmp_path):
    fasta = tmp_path / "x.fa"
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in TEXTS.items()))
    return open_genome(fasta, cache_dir=tmp_path)


def test_bins_of_tiles_cover_every_base_once(genome):
    """Windows of 12 bp, 2 cropped: 8 bp of bins each, with padding beyond the ends."""
    found = list(tiles(genome, window_bp=12, crop_bp=2, size=3))
    assert sum(len(part.start) for part in found) == num_tiles(genome, 12, 2) == 5
    assert [part.start.tolist() for part in found] == [[0, 8, 16], [24], [0]]
    assert [part.chrom_id.tolist() for part in found] == [[0, 0, 0], [0], [1]]
    texts = [text for part in found for text in sequence.decode(part.sequence, 12)]
    padded = {name: f"--{text}{'-' * 12}" for name, text in TEXTS.items()}
    assert texts == [*(padded["a"][s : s + 12] for s in (0, 8, 16, 24)), padded["b"][:12]]


def test_what_is_written_is_read_again(genome, tmp_path):
    """Bins of 4 bp: chromosome a has 7 whole ones and one of 2 bp, b one and one of 3 bp."""
    paths = paths_of(tmp_path / "x.bw", ("plus", "minus"))
    assert [path.name for path in paths] == ["x.plus.bw", "x.minus.bw"]
    coverage = np.arange(20, dtype=np.float32).reshape(5, 2, 2)
    parts = [
        (np.array([0, 0, 0, 0]), np.array([0, 8, 16, 24]), coverage[:4]),
        (np.array([1]), np.array([0]), coverage[4:]),
    ]
    write_bigwigs(paths, genome.chroms, 4, parts)
    for track, path in enumerate(paths):
        values = coverage[..., track].ravel()
        with pyBigWig.open(str(path)) as file:
            assert file.chroms() == {"a": 30, "b": 7}
            for name, bins in (("a", values[:8]), ("b", values[8:])):
                length = len(TEXTS[name])
                expected = np.repeat(bins, 4)[:length]
                np.testing.assert_array_equal(file.values(name, 0, length), expected)


def test_nothing_is_written_of_what_fails(genome, tmp_path):
    def parts():
        yield np.array([0]), np.array([0]), np.ones((1, 2, 1))
        raise InputError("gone")

    with pytest.raises(InputError, match="gone"):
        write_bigwigs([tmp_path / "x.bw"], genome.chroms, 4, parts())
    assert not list(tmp_path.glob("*.bw*"))


def test_names_that_are_no_bigwig_are_refused():
    with pytest.raises(InputError, match=r"x.tsv: a bigWig ends in .bw or .bigwig"):
        paths_of("x.tsv", ("a",))
    with pytest.raises(InputError, match=r"task 'a/b' cannot be part of the name of a file, as x"):
        paths_of("x.bw", ("a/b", "c"))
    assert paths_of("x.bw", ("a/b",))[0].name == "x.bw"
