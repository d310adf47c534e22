"""Tiled windows: how many there are, by arithmetic; what is left out; an independent reader."""

import gzip

import numpy as np
import pyfaidx
import pytest

from data_prep import tiling
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome_windows import GenomeWindows
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

FIRST = "ACGTTGCAAC" * 10  # 100 bp; the second chromosome has 45.
SECOND = "TTGAC" * 9


@pytest.fixture
def windows(write, tmp_path):
    def open_windows(first=FIRST, second=SECOND, **options):
        fasta = write("g.fa", f">I\n{first}\n>II\n{second}\n>tiny\nACG\n")
        return GenomeWindows(fasta, **({"cache_dir": tmp_path / "cache"} | options))

    return open_windows


def places(source, size=1 << 20):
    found = [batch.columns for batch in source.batches(size)]
    return [
        (chrom_id, start)
        for columns in found
        for chrom_id, start in zip(
            columns["chrom_id"].tolist(), columns["start"].tolist(), strict=True
        )
    ]


def test_tiles_side_by_side(windows):
    source = windows(window_bp=20)
    assert places(source) == [(0, 20 * n) for n in range(5)] + [(1, 0), (1, 20)]
    assert source.num_rows == 7
    assert source.notes == ("Windows left out, without room in their chromosome or region: 1.",)


def test_a_stride_and_flanks(windows):
    source = windows(window_bp=20, stride_bp=30, shift_bp=3)
    assert places(source) == [(0, 3), (0, 33), (0, 63), (1, 3)]


def test_a_window_of_a_whole_chromosome(windows):
    assert places(windows(window_bp=100)) == [(0, 0)]


def test_batches_of_any_size_are_the_same(windows, monkeypatch):
    source = windows(window_bp=7, stride_bp=3)
    whole = places(source)
    assert places(source, 4) == whole
    monkeypatch.setattr(tiling, "_BLOCK", 8)
    assert places(windows(window_bp=7, stride_bp=3), 5) == whole


def test_windows_of_n_are_left_out_by_their_share(windows):
    text = FIRST[:39] + "NNN" + FIRST[42:]
    source = windows(first=text, window_bp=20, max_ambiguous=0.05)
    # One N of 20 in [20, 40), two in [40, 60).
    assert (0, 20) in places(source)
    assert (0, 40) not in places(source)
    assert source.findings["left_out"]["more than 0.05 of the bases ambiguous"] == 1
    assert (0, 20) not in places(windows(first=text, window_bp=20, max_ambiguous=0))


def test_regions_and_blacklist(windows, write):
    regions = write("regions.bed", "II\t0\t30\nI\t55\t90\nI\t10\t50\nI\t40\t60\nI\t95\t99\n")
    blacklist = write("black.bed", "I\t33\t34\n")
    source = windows(window_bp=20, regions=regions, blacklist=blacklist)
    # [10, 90) after merging: 10, 30 (blacklisted), 50, 70.
    assert places(source) == [(0, 10), (0, 50), (0, 70), (1, 0)]
    assert source.notes == (
        "Regions merged with another one: 2.",
        "Windows left out, without room in their chromosome or region: 1.",
        "Windows left out, on the blacklist: 1.",
    )


def test_thousand_records_agree_with_an_independent_reader(
    yeast, tmp_path, write, reverse_complement
):
    """Sequence, strand and soft mask, of both strands stored."""
    with gzip.open(yeast / "sacCer3_I_II_III.fa.gz", "rt") as file:
        text = file.read()
    lines = text.splitlines()
    # The file has no small letters: every seventh line gets some.
    lines = [x if x[0] == ">" or n % 7 else x.lower() for n, x in enumerate(lines)]
    fasta = write("soft.fa", "\n".join(lines) + "\n")
    source = GenomeWindows(
        fasta, window_bp=211, stride_bp=400, shift_bp=4, keep_softmask=True,
        cache_dir=tmp_path / "cache",
    )  # fmt: skip
    config = BuildConfig(valid_chroms=("I",), shift_bp=4, reverse_complement="store")
    manifest = build_dataset(source, tmp_path / "data", "yeast", config=config)
    genome, compared = pyfaidx.Fasta(str(fasta)), 0
    for name in ("train", "valid"):
        split = Dataset(tmp_path / "data").split(name)
        records = split.read(np.random.default_rng(0).permutation(split.num_examples)[:700])
        texts = sequence.decode(records["sequence"], 219)
        masks = np.unpackbits(records["repeat"], axis=1, count=219)
        for row, text in enumerate(texts):
            chrom = manifest.chroms[records["chrom_id"][row]].name
            start = int(records["start"][row])
            fetched = genome[chrom][start - 4 : start + 215].seq
            mask = [letter.islower() for letter in fetched]
            if records["strand"][row] == -1:
                fetched, mask = reverse_complement(fetched.upper()), mask[::-1]
            assert text == fetched.upper()
            assert masks[row].tolist() == mask
            compared += 1
        assert set(records["strand"].tolist()) == ({1, -1} if name == "train" else {1})
    assert compared >= 1000


def test_one_and_two_workers_write_the_same_bytes(windows, tmp_path):
    config = BuildConfig(valid_chroms=("II",), num_shards=3, leak_threshold=1)
    hashes = []
    for workers in (1, 2):
        source = windows(window_bp=11, stride_bp=2, keep_softmask=True)
        folder = tmp_path / f"data{workers}"
        manifest = build_dataset(source, folder, "x", config=config, workers=workers)
        hashes.append([shard.sha256 for shards in manifest.splits.values() for shard in shards])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_bp": 0}, "--window_bp=0, expected 1 to"),
        ({"window_bp": 9, "stride_bp": 0}, "--stride_bp=0, expected 1 to"),
        ({"window_bp": 9, "max_ambiguous": 5}, "--max_ambiguous=5, expected 0 to 1"),
        (
            {"window_bp": 101},
            "no window of 101 bp is left: Windows left out, without room",
        ),
    ],
)
def test_what_cannot_be(windows, options, message):
    with pytest.raises(InputError, match=message):
        windows(**options)


def test_a_blacklist_of_all_leaves_nothing(windows, write):
    blacklist = write("black.bed", "I\t0\t100\nII\t0\t45\n")
    with pytest.raises(InputError, match=r"no window of 9 bp is left: .*on the blacklist: 16\."):
        windows(window_bp=9, blacklist=blacklist)
