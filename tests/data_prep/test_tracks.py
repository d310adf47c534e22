"""Windows with coverage: against pyBigWig's own values and an independent reader of the FASTA."""

import gzip

import numpy as np
import pyBigWig
import pytest

from data_prep import tracks
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.tracks import Tracks
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset

SIZES = {"I": 400, "II": 120, "III": 64}
RNG = np.random.default_rng(0)
DNA = {name: "".join(RNG.choice(list("ACGT"), size)) for name, size in SIZES.items()}
FASTA = "".join(f">{name}\n{text}\n" for name, text in DNA.items())
BY_CHROM = BuildConfig(valid_chroms=("II",), test_chroms=("III",))
CHROM_NAMES = ("chrI", "chrII", "chrIII")


@pytest.fixture
def open_tracks(write, bigwig, tmp_path):
    """Opens a small genome with two files: covered is a part of I, and all of II and III."""
    fasta = write("genome.fa", FASTA)
    places = [("I", 8, 9, 4), ("I", 9, 16, 2), ("II", 0, 120, 1), ("III", 0, 64, 3)]
    files = {"bigwigs": [bigwig("a.bw", SIZES, places), bigwig("b.bw", SIZES, places[:3])]}

    def make(**options):
        sizes = {"window_bp": 32, "bin_bp": 8, "cache_dir": tmp_path / "cache"}
        options = sizes | ({} if "targets" in options else files) | options
        return Tracks(fasta, **options)

    return make


def all_of(source, size=7):
    batches = [batch.columns for batch in source.batches(size)]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def places_of(source):
    found = all_of(source)
    return list(zip(found["chrom_id"].tolist(), found["start"].tolist(), strict=True))


def test_windows_end_to_end_over_all_chromosomes(open_tracks):
    source = open_tracks()
    assert places_of(source) == [
        *[(0, 32 * number) for number in range(12)], *[(1, 32 * number) for number in range(3)],
        (2, 0), (2, 32),
    ]  # fmt: skip
    assert source.num_rows == 17
    assert (source.tasks, source.task_type) == (("a", "b"), "coverage")


def test_records_by_hand(open_tracks):
    source = open_tracks()
    found = all_of(source)
    assert found["targets"].dtype == np.float16
    assert found["targets"][0].tolist() == [[0, 0], [2.25, 2.25], [0, 0], [0, 0]]
    assert found["targets"][16].tolist() == [[3, 0]] * 4
    assert sequence.decode(found["sequence"][:1], 32) == [DNA["I"][:32]]
    assert set(found["strand"].tolist()) == {1}


@pytest.mark.parametrize(("statistic", "value"), [("mean", 2.25), ("sum", 18), ("max", 4)])
def test_statistics(open_tracks, statistic, value):
    found = all_of(open_tracks(bin_statistic=statistic))
    assert found["targets"][0, 1].tolist() == [value, value]


def test_a_crop_and_a_stride_that_give_every_base_a_bin(open_tracks):
    source = open_tracks(crop_bp=8, stride_bp=16)
    found = all_of(source)
    assert found["targets"].shape == (source.num_rows, 2, 2)
    assert found["start"][:3].tolist() == [0, 16, 32]
    assert found["targets"][0, :, 0].tolist() == [2.25, 0]
    assert source.details["crop_bp"] == 8


def test_windows_centred_on_regions(open_tracks, write):
    """Around the summits 100 and 60; what has no room is left out, and twins are one."""
    rows = [("I", 90, 111, "+", 10), ("I", 20, 80, "-", 40), ("I", 0, 9, ".", 3)]
    text = "".join(f"{c}\t{a}\t{b}\tx\t0\t{s}\t0\t0\t0\t{p}\n" for c, a, b, s, p in rows)
    source = open_tracks(regions=write("regions.narrowPeak", text + text))
    assert places_of(source) == [(0, 44), (0, 84)]
    assert all_of(source)["strand"].tolist() == [1, 1]
    assert source.findings["left_out"] == {"without room in their chromosome or region": 1}
    assert source.findings["merged_regions"] == 3
    assert source.notes[-2:] == (
        "Regions merged with another one: 3.",
        "Windows left out, without room in their chromosome or region: 1.",
    )


def test_ambiguous_windows_are_left_out_and_told(open_tracks, write):
    fasta = FASTA.replace(DNA["I"][:4], "NNNN", 1)
    options = {"bigwigs": open_tracks()._targets.paths, "window_bp": 32, "bin_bp": 8}
    source = Tracks(write("n.fa", fasta), **options, max_ambiguous=0.1)
    assert places_of(source)[0] == (0, 32)
    assert source.notes == ("Windows left out, more than 0.1 of the bases ambiguous: 1.",)
    kept = Tracks(write("n.fa", fasta), **options, max_ambiguous=0.125)
    assert places_of(kept)[0] == (0, 0)


@pytest.mark.parametrize(
    ("blacklisted", "value"), [("missing", np.nan), ("zero", 14 / 8), ("clip", 14.30137 / 8)]
)
def test_blacklisted_bases(open_tracks, write, blacklisted, value):
    """Base 8 with its 4; the mean of file a over 584 bases is (18 + 120 + 192) / 584 = 0.565."""
    blacklist = write("blacklist.bed", "I\t8\t9\n")
    source = open_tracks(blacklist=blacklist, blacklisted=blacklisted)
    if blacklisted == "clip":
        value = (14 + (18 + 120 + 192) / 584) / 8
    np.testing.assert_allclose(all_of(source)["targets"][0, 1, 0], value, rtol=5e-4)
    assert source.flags["blacklisted"] == blacklisted


def test_bases_that_no_file_covers(open_tracks):
    found = all_of(open_tracks(uncovered="keep"))
    assert np.isnan(found["targets"][0, [0, 2, 3]]).all()
    assert found["targets"][0, 1].tolist() == [2.25, 2.25]


def test_a_table_of_tracks_with_strand_pairs(open_tracks, write):
    open_tracks()
    header = "\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription\n"
    rows = "0\tplus\ta.bw\t2\t\t1\tmean\t1\tx\n1\tminus\tb.bw\t\t\t2\tsum\t0\ty\n"
    source = open_tracks(targets=write("targets.txt", header + rows))
    assert (source.tasks, source.details["strand_pairs"]) == (("plus", "minus"), (1, 0))
    assert all_of(source)["targets"][0, 1].tolist() == [2, 36]
    assert [entry["file"] for entry in source.inputs] == [
        "genome.fa", "targets.txt", "a.bw", "b.bw"
    ]  # fmt: skip
    assert source.paths_by_split["targets"] == [source.paths[1]]
    assert "bigwig" not in source.paths_by_split


def test_what_float16_lost_is_told_and_kept(open_tracks, bigwig):
    path = bigwig("fine.bw", SIZES, [("I", 0, 1, 2049), ("I", 8, 9, 1e-6), ("II", 0, 9, 1)])
    lines = []
    source = open_tracks(bigwigs=[path], bin_statistic="max", log=lines.append)
    all_of(source)
    # 2049 lies between 2048 and 2050; 1e-6 is 17 steps of 2^-24, of 16.8.
    lost = source.findings["float16"]["fine"]
    assert lost["max_relative_error"] == pytest.approx(17 / 2**24 / 1e-6 - 1, rel=2e-3)
    assert lost["underflowed"] == 0
    assert lines[-1] == (
        "Stored as float16, values change by 0.013 of themselves at most (fine); none became 0."
    )


def test_batches_of_any_size_hold_the_same(open_tracks, monkeypatch):
    source = open_tracks()
    expected = all_of(source, 100)
    for size in (1, 5):
        for name, values in all_of(source, size).items():
            np.testing.assert_array_equal(values, expected[name])
    # A window has 4 bins of 2 tasks, 12 bytes each: two fit.
    monkeypatch.setattr(tracks, "_BATCH_BYTES", 200)
    assert {len(batch.split) for batch in source.batches(100)} == {2, 1}
    for name, values in all_of(source).items():
        np.testing.assert_array_equal(values, expected[name])


def test_the_same_bytes_with_one_and_two_workers(open_tracks, tmp_path):
    config = BuildConfig(valid_chroms=("II",), test_chroms=("III",), num_shards=3)
    hashes = set()
    for workers in (1, 2):
        folder = tmp_path / f"data{workers}"
        manifest = build_dataset(open_tracks(), folder, "x", config=config, workers=workers)
        hashes.add(manifest.sha256)
    assert len(hashes) == 1
    assert manifest.num_bins == 4


def test_cut_sites_are_turned_by_the_reader(open_tracks, tmp_path):
    """Every record is that of its place, or the same window from the other end, moved by one."""
    source = open_tracks(bin_bp=1, cut_sites=["a"])
    manifest = build_dataset(source, tmp_path / "d", "x", config=BY_CHROM)
    assert manifest.cut_sites == (0,)
    given = all_of(source)["targets"][:12]
    split = Dataset(tmp_path / "d").split("train")
    batch = split.train_batch(0, 0, batch_size=12, seed=0)
    assert set(batch["strand"].tolist()) == {1, -1}
    for row, strand, found in zip(batch["row"], batch["strand"], batch["targets"], strict=True):
        expected = given[row]
        if strand == -1:
            expected = expected[::-1].copy()
            expected[:, 0] = np.append(np.nan, given[row][:0:-1, 0])
        np.testing.assert_array_equal(found, expected)


def test_cut_sites_are_stored_on_both_strands(open_tracks, tmp_path):
    config = BuildConfig(
        valid_chroms=("II",), test_chroms=("III",), reverse_complement="store", on_leak="warn"
    )
    source = open_tracks(bin_bp=1, cut_sites=["a"])
    build_dataset(source, tmp_path / "d", "x", config=config)
    stored = Dataset(tmp_path / "d").split("train").read(np.arange(24))
    is_turned = stored["strand"] == -1
    np.testing.assert_array_equal(np.isnan(stored["targets"][:, 0, 0]), is_turned)
    assert not np.isnan(stored["targets"][:, :, 1]).any()


def test_turned_examples_swap_the_strands_of_an_assay(open_tracks, write, tmp_path):
    """Plus and minus strand change places and run backwards; the DNA is that of its place."""
    open_tracks()
    rows = "0\tplus\ta.bw\t1\n1\tminus\tb.bw\t0\n2\tboth\tb.bw\t2\n"
    table = write("targets.txt", "\tidentifier\tfile\tstrand_pair\n" + rows)
    source = open_tracks(targets=table)
    build_dataset(source, tmp_path / "d", "x", config=BY_CHROM)
    given = all_of(source)
    batch = next(Dataset(tmp_path / "d").split("train").train_batches(0, batch_size=12, seed=1))
    texts = sequence.decode(batch["sequence"], 32)
    assert set(batch["strand"].tolist()) == {1, -1}
    complement = str.maketrans("ACGT", "TGCA")
    for place, row in enumerate(batch["row"].tolist()):
        start, expected = given["start"][row], given["targets"][row]
        text = DNA["I"][start : start + 32]
        if batch["strand"][place] == -1:
            text, expected = text.translate(complement)[::-1], expected[::-1, [1, 0, 2]]
        assert texts[place] == text
        np.testing.assert_array_equal(batch["targets"][place], expected)


def read_fasta(path):
    """The sequences of a FASTA file, read as plainly as can be."""
    records = gzip.decompress(path.read_bytes()).decode().split(">")[1:]
    parts = (record.partition("\n") for record in records)
    return {head.split()[0]: text.replace("\n", "").upper() for head, _, text in parts}


def test_a_thousand_records_against_pybigwig_and_the_fasta(yeast, tmp_path):
    fasta, path = yeast / "sacCer3_I_II_III.fa.gz", yeast / "atac_coverage.bw"
    source = Tracks(
        fasta, bigwigs=[path], window_bp=2048, bin_bp=32, crop_bp=256, stride_bp=512, shift_bp=16,
        chrom_alias="auto", cache_dir=tmp_path / "cache",
    )  # fmt: skip
    config = BuildConfig(
        valid_chroms=("I",), test_chroms=("III",), shift_bp=16, on_leak="warn", leak_threshold=1.0
    )
    manifest = build_dataset(source, tmp_path / "d", "yeast", config=config)
    assert sum(map(manifest.num_examples, manifest.splits)) == source.num_rows > 2600
    genome, rng = read_fasta(fasta), np.random.default_rng(0)
    for name, chrom in (("train", 1), ("valid", 0), ("test", 2)):
        split = Dataset(tmp_path / "d").split(name)
        some = split.read(rng.choice(split.num_examples, 334, replace=False))
        assert set(some["chrom_id"].tolist()) == {chrom}
        texts = sequence.decode(some["sequence"], 2048 + 32)
        with pyBigWig.open(str(path)) as file:
            for row, start in enumerate(some["start"].tolist()):
                place = slice(start - 16, start + 2048 + 16)
                assert texts[row] == list(genome.values())[chrom][place]
                values = file.values(CHROM_NAMES[chrom], start + 256, start + 1792, numpy=True)
                bins = np.nan_to_num(values).astype(np.float64).reshape(48, 32).mean(1)
                np.testing.assert_array_equal(some["targets"][row, :, 0], bins.astype(np.float16))


def test_a_build_is_found_again_and_a_changed_file_noticed(open_tracks, bigwig, tmp_path):
    build_dataset(open_tracks(), tmp_path / "d", "x", config=BY_CHROM)
    lines = []
    build_dataset(open_tracks(), tmp_path / "d", "x", config=BY_CHROM, log=lines.append)
    assert "is built already" in lines[-1]
    source = open_tracks()
    bigwig("b.bw", SIZES, [("I", 0, 9, 7)])
    with pytest.raises(InputError, match="b.bw was another file"):
        build_dataset(source, tmp_path / "d", "x", config=BY_CHROM)
    assert Manifest.load(tmp_path / "d").tasks == ("a", "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_bp": 30}, "windows of 30 bp, expected whole bins of 8 bp"),
        ({"crop_bp": 16}, "windows of 32 bp, .* some of them beside the 16 bp at either end"),
        ({"crop_bp": 4}, "crop_bp 4, expected a multiple of bin_bp 8"),
        ({"bin_bp": 0}, "bin_bp 0, expected a number of bases from 1"),
        ({"window_bp": 400 * 8}, r"no window of 3200 bp is left: Windows left out, without room"),
        ({"stride_bp": 0}, "--stride_bp=0, expected 1 to"),
        ({"max_ambiguous": 2}, "--max_ambiguous=2, expected 0 to 1"),
        (
            {"bin_statistic": "median"},
            r"no statistic 'median'\. Did you mean 'mean'\? There are: mean, sum, max",
        ),
        ({"uncovered": "missing"}, "no --uncovered 'missing'. There are: zero, keep"),
        ({"blacklisted": "clip"}, "--blacklisted=clip needs --blacklist=FILE"),
        ({"cut_sites": ["a"]}, "cut sites need bin_bp 1, not 8"),
        ({"bin_bp": 1, "cut_sites": ["c"]}, "--cut_sites: no task 'c'. Tasks: a, b"),
        ({"bigwigs": []}, "give bigWig files, --bigwig=FILE,FILE, or a table of them, --targets="),
        ({"bigwigs": ["none.bw"]}, "none.bw: there is no such file"),
    ],
)
def test_what_cannot_be_asked_for(open_tracks, options, message):
    with pytest.raises(InputError, match=message):
        open_tracks(**options)


def test_regions_and_a_stride_exclude_each_other(open_tracks, write):
    regions = write("regions.bed", "I\t100\t101\n")
    with pytest.raises(InputError, match="--stride_bp tiles all chromosomes, --regions says"):
        open_tracks(regions=regions, stride_bp=16)


def test_tables_that_cannot_be(open_tracks, write):
    with pytest.raises(InputError, match=r"targets.txt:1: no column 'file'. Expected a header"):
        open_tracks(targets=write("targets.txt", "\tidentifier\n0\ta\n"))
    table = write("targets.txt", "\tidentifier\tfile\n0\ta\ta.bw\n")
    with pytest.raises(InputError, match="--bin_statistic is for --bigwig; --targets has a column"):
        open_tracks(targets=table, bin_statistic="sum")


def test_files_of_another_genome(open_tracks, bigwig):
    longer = bigwig("longer.bw", SIZES | {"I": 401}, [("I", 0, 8, 1)])
    with pytest.raises(InputError, match="longer.bw: I has 401 bp, but I of the genome 400; was"):
        open_tracks(bigwigs=[longer])
    other = bigwig("other.bw", {"2L": 500}, [("2L", 0, 8, 1)])
    with pytest.raises(InputError, match="other.bw names the chromosomes 2L; the genome has I, II"):
        open_tracks(bigwigs=[other])


def test_regions_past_the_end_name_their_line(open_tracks, write):
    regions = write("regions.bed", "I\t100\t101\nII\t100\t121\n")
    with pytest.raises(InputError, match=r"regions.bed:2: II 100 121 ends past its chromosome: II"):
        open_tracks(regions=regions)
