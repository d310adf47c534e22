"""Windows around peaks: targets by hand, what is left out, and an independent reader."""

import gzip

import numpy as np
import pyfaidx
import pytest

from data_prep import intervals
from data_prep.audit_dataset import audit_dataset
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.intervals import Intervals
from data_prep.peaks import Peaks
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

FACTORS = ("Abf1", "Reb1", "Sua7")
ALL = 1 << 20


@pytest.fixture
def source(write, tmp_path):
    """Peaks of BED files with given lines, on a random genome of 2000 and 1000 bp with 100 N."""

    def open_peaks(files, **options):
        rng = np.random.default_rng(0)
        texts = ["".join(rng.choice(list("ACGT"), size)) for size in (2000, 1000)]
        texts[0] = texts[0][:1500] + "N" * 100 + texts[0][1600:]
        fasta = write("g.fa", "".join(f">c{n}\n{text}\n" for n, text in enumerate(texts, 1)))
        paths = [write(name, text) for name, text in files.items()]
        options = {"window_bp": 20, "cache_dir": tmp_path / "cache"} | options
        return Peaks(fasta, paths, **options)

    return open_peaks


def rows_of(peaks):
    """All rows of a source as one batch."""
    (batch,) = peaks.batches(ALL)
    return batch.columns


def yeast_peaks(yeast, tmp_path, **options):
    paths = [yeast / f"{factor}.bed" for factor in FACTORS]
    options = {"window_bp": 200, "chrom_alias": "auto", "cache_dir": tmp_path / "cache"} | options
    return Peaks(yeast / "sacCer3_I_II_III.fa.gz", paths, **options)


def test_every_file_is_a_task_and_windows_share_summits(source):
    narrow = "c1\t90\t140\tx\t0\t.\t1\t1\t1\t10\n"  # Summit 100.
    files = {"A.narrowPeak": narrow, "B.bed": "c1\t108\t111\nc2\t500\t501\n"}
    peaks = source(files, negatives="none")
    rows = rows_of(peaks)
    assert peaks.tasks == ("A", "B")
    assert rows["chrom_id"].tolist() == [0, 0, 1]
    assert rows["start"].tolist() == [90, 99, 490]
    # 109 lies in [90, 110); 100 in [99, 119).
    assert rows["targets"].tolist() == [[1, 1], [1, 1], [0, 1]]


def test_the_order_of_peaks_does_not_matter(source):
    """Nor do those that overlap or are there twice, or the line ends of Windows."""
    lines = ["c1\t90\t110", "c1\t95\t115", "c1\t700\t720", "c2\t500\t501"]
    in_order = rows_of(source({"A.bed": "\n".join(lines) + "\n"}, negatives="gc_matched"))
    text = "\r\n".join([lines[3], lines[1], lines[0], lines[2], lines[1], ""])
    for name, values in rows_of(source({"A.bed": text}, negatives="gc_matched")).items():
        np.testing.assert_array_equal(values, in_order[name])
    assert in_order["start"][:4].tolist() == [90, 95, 700, 490]


def test_strands_part_windows_and_summits(source):
    stranded = "c1\t100\t101\tx\t0\t+\nc1\t100\t101\tx\t0\t-\nc1\t100\t101\tx\t0\t-\n"
    peaks = source({"A.bed": stranded, "B.bed": "c1\t105\t106\tx\t0\t-\n"}, negatives="none")
    rows = rows_of(peaks)
    assert list(zip(rows["start"], rows["strand"], strict=True)) == [(90, 1), (91, -1), (96, -1)]
    assert rows["targets"].tolist() == [[1, 0], [1, 1], [1, 1]]
    # The window on the opposite strand is turned, and begins a base later.
    (forward,) = sequence.decode(rows["sequence"][[0]], 20)
    (turned,) = sequence.decode(sequence.reverse_complement(rows["sequence"][[1]], 20), 20)
    assert forward[1:] == turned[:-1]


def test_windows_past_an_end_or_on_the_blacklist_are_counted(source, write):
    starts = (9, 10, 300, 311, 1990, 1991)
    lines = "".join(f"c1\t{start}\t{start + 1}\n" for start in starts)
    peaks = source({"A.bed": lines}, blacklist=write("black.bed", "c1\t320\t330\n"))
    assert peaks.notes[0] == "Peaks: 6 in files: 1; distinct windows around their summits: 6."
    assert peaks.notes[1:3] == (
        "Windows left out, around peaks, past an end of their chromosome: 2.",
        "Windows left out, around peaks, on the blacklist: 1.",
    )
    rows = rows_of(peaks)
    assert rows["start"][:3].tolist() == [0, 290, 1980]
    assert rows["targets"].ravel().tolist() == [1, 1, 1, 0, 0, 0]


def test_flanks_must_lie_within_the_chromosome_too(source):
    peaks = source({"A.bed": "c1\t12\t13\nc1\t13\t14\n"}, shift_bp=3, negatives="none")
    assert rows_of(peaks)["start"].tolist() == [3]
    assert peaks.findings["left_out"] == {"around peaks, past an end of their chromosome": 1}


def test_negatives_keep_away_from_the_whole_of_broad_peaks(source):
    broad = Intervals([0], [100], [1400])
    windows = source({"A.broadPeak": "c1\t100\t1400\n"}, negatives_per_positive=15)
    rows = rows_of(windows)
    starts = rows["start"][1:]
    made = Intervals(rows["chrom_id"][1:], starts, starts + 20)
    assert len(made) == 15
    assert not intervals.overlaps(made, broad).any()


def test_negatives_from_a_file(source, write):
    # On the peak, on the N, past the end, and two that are right.
    places = "c1\t105\t106\nc1\t1550\t1551\nc1\t1995\t1996\nc1\t40\t41\nc2\t70\t90\n"
    path = write("negatives.bed", places)
    peaks = source({"A.bed": "c1\t100\t101\n"}, negatives="file", negatives_file=path)
    rows = rows_of(peaks)
    assert rows["start"].tolist() == [90, 30, 70]
    assert rows["targets"].ravel().tolist() == [1, 0, 0]
    assert peaks.findings["left_out"] == {
        "of the negatives, past an end of their chromosome": 1,
        "of the negatives, on a peak, the blacklist or a run of N": 2,
    }
    assert peaks.findings["background"]["made"] == 2


@pytest.mark.parametrize("negatives", ["gc_matched", "random"])
def test_negatives_of_yeast_overlap_no_peak_and_match(yeast, tmp_path, negatives):
    peaks = yeast_peaks(yeast, tmp_path, negatives=negatives, shift_bp=8)
    rows = rows_of(peaks)
    is_negative = ~rows["targets"].any(axis=1)
    assert is_negative.sum() == 1042
    assert not is_negative[:1042].any()
    places = Intervals(rows["chrom_id"], rows["start"] - 8, rows["start"] + 208)
    assert not intervals.overlaps(places[is_negative], places[~is_negative]).any()
    difference = peaks.findings["background"]["largest_gc_difference"]
    assert difference < 0.03 if negatives == "gc_matched" else difference > 0.15


def test_thousand_records_agree_with_an_independent_reader(
    yeast, tmp_path, write, reverse_complement
):
    """With pyfaidx, and targets by a loop over the lines of the BED files; half on strand -."""
    with gzip.open(yeast / "sacCer3_I_II_III.fa.gz", "rt") as file:
        genome = pyfaidx.Fasta(str(write("yeast.fa", file.read())), sequence_always_upper=True)
    paths, summits = [], []
    for number, factor in enumerate(FACTORS):
        lines = [line.split("\t") for line in (yeast / f"{factor}.bed").read_text().splitlines()]
        signs = "+-."
        lines = [[*x[:5], signs[(row + number) % 3]] for row, x in enumerate(lines)]
        paths.append(write(f"{factor}.bed", "".join("\t".join(x) + "\n" for x in lines)))
        summits.append([("I" * int(x[0][3:]), int(x[1]), x[5]) for x in lines])
    peaks = Peaks(
        yeast / "sacCer3_I_II_III.fa.gz", paths, window_bp=201, shift_bp=5, chrom_alias="auto",
        cache_dir=tmp_path / "cache",
    )  # fmt: skip
    config = BuildConfig(valid_chroms=("I",), test_chroms=("III",), shift_bp=5)
    manifest = build_dataset(peaks, tmp_path / "data", "yeast", config=config)
    rng, compared = np.random.default_rng(0), 0
    for name, chroms in {"train": "II", "valid": "I", "test": "III"}.items():
        split = Dataset(tmp_path / "data").split(name)
        picked = rng.permutation(split.num_examples)[:400]
        records = split.read(picked)
        texts = sequence.decode(records["sequence"], 211)
        for row, text in enumerate(texts):
            chrom = manifest.chroms[records["chrom_id"][row]].name
            start, strand = int(records["start"][row]), int(records["strand"][row])
            assert chrom == chroms
            fetched = genome[chrom][start - 5 : start + 206].seq
            assert text == (reverse_complement(fetched) if strand < 0 else fetched)
            sign = {1: "+", -1: "-", 0: "."}[strand]
            expected = [
                any(
                    x == chrom and start <= at < start + 201 and {sign, s} != {"+", "-"}
                    for x, at, s in of_factor
                )
                for of_factor in summits
            ]
            assert records["targets"][row].tolist() == expected
            compared += 1
        assert {-1, 0, 1} == set(records["strand"].tolist())
    assert compared >= 1000


def test_one_and_two_workers_write_the_same_bytes(yeast, tmp_path):
    config = BuildConfig(valid_chroms=("I",), test_chroms=("III",), num_shards=3)
    hashes = []
    for workers in (1, 2):
        folder = tmp_path / f"data{workers}"
        peaks = yeast_peaks(yeast, tmp_path)
        manifest = build_dataset(peaks, folder, "yeast", config=config, workers=workers)
        shards = (shard for name in manifest.splits for shard in manifest.splits[name])
        hashes.append([shard.sha256 for shard in shards])
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) > 3


def test_shuffles_instead_of_places_for_several_tasks(yeast, tmp_path):
    config = BuildConfig(
        valid_chroms=("I",), test_chroms=("III",), negatives="dinucleotide_shuffle"
    )
    peaks = yeast_peaks(yeast, tmp_path, negatives="none")
    manifest = build_dataset(peaks, tmp_path / "data", "yeast", config=config)
    assert manifest.statistics["negatives"]["test"] == {"made": 254, "left_out": 0}
    split = Dataset(tmp_path / "data").split("test")
    records = split.read(np.arange(split.num_examples))
    is_made = records["chrom_id"] == -1
    assert is_made.sum() == 254
    assert (records["row"][is_made] >= 1042).all()
    assert (records["row"][~is_made] < 1042).all()


def test_the_manifest_holds_what_was_found(yeast, tmp_path):
    config = BuildConfig(split_fractions=(0.8, 0.1, 0.1))
    peaks, lines = yeast_peaks(yeast, tmp_path), []
    manifest = build_dataset(peaks, tmp_path / "d", "yeast", config=config, log=lines.append)
    assert [chrom.name for chrom in manifest.chroms] == ["I", "II", "III"]
    assert manifest.genome_sha256 == manifest.inputs[0]["sha256"]
    assert [entry["num_rows"] for entry in manifest.inputs] == [3, 72, 110, 861]
    assert manifest.statistics["background"]["made"] == 1042
    assert "Negatives: 1,042 (gc_matched) for 1,042 positives." in lines
    assert manifest.flags["files"]["peaks"] == ["Abf1.bed", "Reb1.bed", "Sua7.bed"]
    match = manifest.audit["gc_match"]
    assert list(match) == ["train", "valid", "test"]
    assert sum(found["positives"] for found in match.values()) == 1042
    assert match["train"]["largest_gc_difference"] < 0.06
    assert not any(found["is_poor"] for found in match.values())
    assert audit_dataset(tmp_path / "d")["gc_match"] == match


def test_negatives_that_cannot_match_are_told(source, write, tmp_path):
    """Peaks on stretches of C and G, of which the genome has none but those."""
    rng = np.random.default_rng(0)
    parts = [rng.choice(list("CG" if n % 4 == 1 else "ACGT"), 30) for n in range(240)]
    text = "".join(map("".join, parts))
    fasta = write("g.fa", f">c1\n{text}\n>c2\n{text[::-1]}\n")
    places = {"c1": range(30, 7200, 120), "c2": range(60, 7200, 120)}
    lines = [f"{name}\t{n + 5}\t{n + 25}\n" for name, starts in places.items() for n in starts]
    peaks = Peaks(fasta, [write("A.bed", "".join(lines))], window_bp=20, cache_dir=tmp_path / "c")
    told = []
    config = BuildConfig(valid_chroms=("c2",), near_duplicate_threshold=1)
    manifest = build_dataset(peaks, tmp_path / "d", "x", config=config, log=told.append)
    assert all(found["is_poor"] for found in manifest.audit["gc_match"].values())
    lines = [line for line in told if "do not match the GC content" in line]
    assert [line.split()[4] for line in lines] == ["train", "valid"]
    assert "1.000 of 60 positives" in lines[0]


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, {}, "no file of peaks was given; give --peaks=FILE"),
        (
            {"A.bed": "c1\t5\t6\n", "A.narrowPeak": "c1\t5\t6\n"},
            {},
            "A.bed and .*A.narrowPeak would both be the task 'A'; rename one",
        ),
        ({"A.bed": "c1\t5\t6\n"}, {"negatives": "gc"}, "--negatives: no kind 'gc'.*gc_matched"),
        ({"A.bed": "c1\t5\t6\n"}, {"negatives": "file"}, "--negatives_file=FILE go together"),
        ({"A.bed": "c1\t5\t6\n"}, {"negatives_file": "x.bed"}, "--negatives_file=FILE go together"),
        (
            {"A.bed": "c1\t50\t60\n"},
            {"negatives": "none", "negatives_per_positive": 2},
            "--negatives_per_positive=2 has no meaning with --negatives=none",
        ),
        ({"A.bed": "c1\t50\t60\n"}, {"window_bp": 0}, "--window_bp=0, expected 1 to"),
        (
            {"A.bed": "c1\t5\t6\n"},
            {},
            "no window of 20 bp around a peak is left: Windows left out, around peaks, past an end",
        ),
        (
            {"A.bed": "c1\t0\t2000\nc2\t0\t1000\n"},
            {},
            "--negatives=gc_matched gives none: .*--negatives=none does without",
        ),
    ],
)
def test_what_cannot_be(source, files, options, message):
    with pytest.raises(InputError, match=message):
        source(files, **options)


def test_seed_and_shift_of_source_and_build_must_agree(source, tmp_path):
    peaks = source({"A.bed": "c1\t500\t501\nc2\t500\t501\n"}, shift_bp=3)
    for config, message in (
        (BuildConfig(valid_chroms=("c2",)), "shift_bp=3 of the source, 0 of the build"),
        (BuildConfig(valid_chroms=("c2",), shift_bp=3, seed=2), "seed=0 of the source, 2 of the"),
    ):
        with pytest.raises(InputError, match=message):
            build_dataset(peaks, tmp_path / "data", "x", config=config)
