"""Windows, masks and counts of packed genomes against other readers and against plain text."""

import gzip
import os
import pickle
import subprocess
import sys

import numpy as np
import pyfaidx
import pytest

from data_prep import genome_packing
from data_prep.genome import Genome, open_genome
from tfrecords import sequence
from tfrecords.errors import InputError

# Lengths odd and even, shorter than a block of counts and longer; the last is just one block.
TEXTS = (
    "A",
    "cG",
    "ACgNNtRYKacgtACGTNacgtnaACGTaCGTACGGTTTacnNNN",
    "NACGTACGTACGTACGTACGTACGTACGTACG",
)


@pytest.fixture(scope="module")
def yeast_genome(yeast, tmp_path_factory):
    return open_genome(yeast / "sacCer3_I_II_III.fa.gz", cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def pyfaidx_genome(yeast, tmp_path_factory):
    plain = tmp_path_factory.mktemp("plain") / "genome.fa"
    plain.write_bytes(gzip.decompress((yeast / "sacCer3_I_II_III.fa.gz").read_bytes()))
    return pyfaidx.Fasta(str(plain), sequence_always_upper=True)


@pytest.fixture
def small(write, tmp_path):
    text = "".join(f">{number}\n{text}\n" for number, text in enumerate(TEXTS))
    return open_genome(write("small.fa", text), cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("length", [1, 2, 199, 200, 4097])
def test_pyfaidx_and_numpy_agree(yeast_genome, pyfaidx_genome, length):
    rng = np.random.default_rng(length)
    sizes = np.array([chrom.length for chrom in yeast_genome.chroms])
    chrom_id = rng.integers(len(sizes), size=1000)
    start = rng.integers(sizes[chrom_id] - length + 1)
    # The first and the last windows of every chromosome, in either phase.
    chrom_id[:12] = np.repeat([0, 1, 2], 4)
    start[:12] = np.stack([sizes * 0, sizes * 0 + 1, sizes - length - 1, sizes - length], 1).ravel()
    texts = [
        pyfaidx_genome[yeast_genome.chroms[c].name][s : s + length].seq
        for c, s in zip(chrom_id.tolist(), start.tolist(), strict=True)
    ]
    letters = np.array([list(text) for text in texts])
    one_hot = letters[:, :, None] == list("ACGT")

    packed = yeast_genome.windows(chrom_id, start, length)
    bits = np.unpackbits(packed, axis=1)
    np.testing.assert_array_equal(bits[:, : 4 * length], one_hot.reshape(1000, -1))
    assert not bits[:, 4 * length :].any()
    gc = yeast_genome.gc_count(chrom_id, start, start + length)
    np.testing.assert_array_equal(gc, np.isin(letters, ["G", "C"]).sum(axis=1))


def test_chromosomes_of_yeast(yeast_genome):
    found = [(chrom.name, chrom.length) for chrom in yeast_genome.chroms]
    assert found == [("I", 230_218), ("II", 813_184), ("III", 316_620)]
    assert yeast_genome.num_bases == 1_360_022
    assert len(yeast_genome.gaps) == 0


def everywhere(length):
    """Chromosome and start of windows before, across, within and past every chromosome."""
    places = [(c, s) for c, text in enumerate(TEXTS) for s in range(-40, len(text) + 10)]
    chrom_id, start = np.array(places).T
    padded = ["-" * 100 + text + "-" * 100 for text in TEXTS]
    return chrom_id, start, [padded[c][s + 100 : s + 100 + length] for c, s in places]


@pytest.mark.parametrize("length", [1, 2, 3, 8, 31, 32, 33, 60])
def test_any_window_is_a_slice_of_the_text(small, length):
    chrom_id, start, texts = everywhere(length)
    packed = small.windows(chrom_id, start, length)
    assert sequence.decode(packed, length) == [text.upper() for text in texts]
    assert packed.tobytes() == sequence.encode(texts, length).tobytes()

    is_small = np.array([[letter.islower() for letter in text] for text in texts])
    mask = small.softmask(chrom_id, start, length)
    np.testing.assert_array_equal(mask, np.packbits(is_small, axis=1))

    gc = [sum(letter in "GCgc" for letter in text) for text in texts]
    assert small.gc_count(chrom_id, start, start + length).tolist() == gc
    ambiguous = [sum(letter not in "ACGTacgt-" for letter in text) for text in texts]
    assert small.ambiguous_count(chrom_id, start, start + length).tolist() == ambiguous


def test_no_windows(small):
    nothing = np.zeros(0, int)
    assert small.windows(nothing, nothing, 5).shape == (0, 3)
    assert small.softmask(nothing, nothing, 9).shape == (0, 2)
    assert small.gc_count(nothing, nothing, nothing).shape == (0,)


def test_a_chromosome_that_is_not_there(small):
    """-1 stands for rows without a place in the genome; NumPy would take it for the last one."""
    with pytest.raises(ValueError, match="chrom_id from -1 to 2, expected 0 to 3"):
        small.windows(np.array([-1, 2]), np.array([0, 0]), 1)
    with pytest.raises(ValueError, match="chrom_id from 0 to 4, expected 0 to 3"):
        small.gc_count(np.array([0, 4]), np.array([0, 0]), np.array([1, 1]))


def test_pickled_by_path(small):
    pickled = pickle.dumps(small)
    again = pickle.loads(pickled)
    assert len(pickled) < 1000
    assert again.chroms == small.chroms
    assert again.windows(np.array([2]), np.array([1]), 5).tolist() == [[0x42, 0xFF, 0x10]]


def test_a_genome_is_read_once(write, tmp_path, monkeypatch):
    path, lines = write("a.fa", ">x\nACGT\n"), []
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    genome = open_genome(path, log=lines.append)
    assert lines == [
        f"Reading a.fa once, into the cache {tmp_path / 'cache'}.",
        "a.fa: 1 chromosomes, 4 bp.",
    ]
    assert genome.folder == tmp_path / "cache" / f"genome-v1-{genome.sha256}"
    monkeypatch.setattr(genome_packing, "pack", None)
    assert open_genome(path, log=lines.append).chroms == genome.chroms
    assert len(lines) == 2


def test_two_at_once(write, tmp_path, monkeypatch):
    path, pack = write("a.fa", ">x\nACGT\n"), genome_packing.pack
    others = []

    def pack_while_another_is_faster(*args):
        pack(*args)
        monkeypatch.setattr(genome_packing, "pack", pack)
        others.append(open_genome(path, cache_dir=tmp_path / "cache"))

    monkeypatch.setattr(genome_packing, "pack", pack_while_another_is_faster)
    genome = open_genome(path, cache_dir=tmp_path / "cache")
    assert genome.folder == others[0].folder
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [genome.folder.name]
    assert genome.windows([0], [0], 4).tolist() == [[0x84, 0x21]]


def test_a_killed_process_leaves_nothing_that_is_taken_for_a_genome(write, tmp_path):
    path, cache = write("a.fa", ">x\nACGT\n>y\nAC\n"), tmp_path / "cache"
    code = (
        "import os, sys\n"
        "from data_prep import genome, genome_packing\n"
        "genome_packing.asdict = lambda chrom: os._exit(9)\n"  # After all data, before the index.
        "genome.open_genome(sys.argv[1], cache_dir=sys.argv[2])\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, path, cache], check=False)
    assert killed.returncode == 9
    assert [item.name[:8] for item in cache.iterdir()] == [".genome-"]
    assert len(open_genome(path, cache_dir=cache).chroms) == 2


def test_damaged_cache(small):
    bases = small.folder / "bases.bin"
    os.truncate(bases, bases.stat().st_size - 1)
    message = r"bases\.bin is not as it was written; remove the folder, and the genome is read"
    with pytest.raises(InputError, match=message):
        Genome(small.folder)


def test_a_cache_that_cannot_be_written(write):
    path, file = write("a.fa", ">x\nACGT\n"), write("cache", "")
    with pytest.raises(NotADirectoryError) as caught:
        open_genome(path, cache_dir=file / "genomes")
    assert str(file) in caught.value.filename


def test_a_cache_that_may_not_be_written(write, tmp_path, monkeypatch):
    """As root may write anywhere, the system's refusal is a stand-in."""

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(genome_packing, "pack", refuse)
    message = r"/cache: permission denied to write there; .*--cache_dir=FOLDER or GENOKERAS_CACHE$"
    with pytest.raises(InputError, match=message):
        open_genome(write("a.fa", ">x\nACGT\n"), cache_dir=tmp_path / "cache")


def test_a_full_disk_names_the_cache(write, tmp_path, monkeypatch):
    def fill(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(genome_packing, "pack", fill)
    with pytest.raises(OSError, match="No space left on device") as caught:
        open_genome(write("a.fa", ">x\nACGT\n"), cache_dir=tmp_path / "cache")
    assert caught.value.filename == str(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_whole_genome_of_yeast(more_data, tmp_path):
    fasta = more_data("yeast") / "sacCer3.ensembl.fa.gz"
    genome = open_genome(fasta, cache_dir=tmp_path)
    assert len(genome.chroms) == 17
    lengths = np.array([chrom.length for chrom in genome.chroms])
    whole = np.arange(17), np.zeros(17, int), lengths
    assert lengths.sum() == 12_157_105
    # Counted with `zcat | grep -v '>' | fold -w1 | sort | uniq -c`.
    assert genome.gc_count(*whole).sum() == 2_320_576 + 2_317_100
    assert genome.ambiguous_count(*whole).sum() == 0


def test_a_piece_of_a_human_chromosome(more_data, tmp_path):
    genome = open_genome(more_data("human_chr22") / "22_20-21M.fa.gz", cache_dir=tmp_path)
    (chrom,) = genome.chroms
    assert (chrom.name, chrom.length) == ("22:20000001-21000000", 1_000_000)
    assert (genome.gaps.end - genome.gaps.start).sum() == 100_000
    assert genome.ambiguous_count([0], [0], [10**6]).tolist() == [100_000]
    assert genome.gc_count([0], [0], [10**6]).tolist() == [236_200 + 237_112]
