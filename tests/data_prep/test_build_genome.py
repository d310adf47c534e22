"""Builds from windows of a genome: splits that do not part what overlaps, tracks, both strands."""

import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.source import UNSPLIT, Batch, dna
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS
from tfrecords.reader import Dataset
from tfrecords.schema import Feature

LENGTH, BINS = 12, 3
CHROMS = (Chrom("I", 1000), Chrom("II", 1000), Chrom("III", 1000))
BY_CHROM = BuildConfig(valid_chroms=("II",), test_chroms=("III",))


class Windows:
    """Windows of 12 bp at given places; two tracks of three bins, each other's strand, or none."""

    length = LENGTH
    task_type = "coverage"
    unsplit = "windows come without a split"
    flags = {"source": "test"}
    notes = paths = ()
    paths_by_split, findings, num_rows = {}, {}, None

    def __init__(
        self, chrom_id, start, has_targets=True, group=None, targets=None, alphabet="ACGT"
    ):
        self.chrom_id, self.start = np.array(chrom_id, np.int32), np.array(start, np.int64)
        places = Feature("chrom_id", "int32", ()), Feature("start", "int64", ())
        self.features = (dna("sequence", LENGTH), *places, Feature("strand", "int8", ()))
        self.details = {"chroms": CHROMS, "genome_sha256": "0" * 64}
        self.tasks, self.group, self.alphabet = (), group, list(alphabet)
        self.inputs = ({"file": "genome.fa", "sha256": "0" * 64, "num_rows": len(start)},)
        if has_targets:
            self.tasks = ("plus", "minus")
            self.features += (Feature("targets", "float16", (BINS, 2)),)
            self.details |= {"bin_bp": 4, "strand_pairs": (1, 0), "target_scale": (2.0, 2.0)}
        else:
            self.task_type = "unlabelled"
        rng = np.random.default_rng(0)
        self.targets = rng.integers(0, 9, (len(start), BINS, 2)).astype(np.float16)
        if targets is not None:
            self.targets = targets

    def batches(self, size):
        rng = np.random.default_rng(1)
        texts = ["".join(text) for text in rng.choice(self.alphabet, (len(self.start), LENGTH))]
        for first in range(0, len(self.start), size):
            rows = slice(first, first + size)
            columns = {
                "sequence": sequence.encode(texts[rows], LENGTH),
                "chrom_id": self.chrom_id[rows],
                "start": self.start[rows],
                "strand": np.ones(len(self.start[rows]), np.int8),
            }
            if self.tasks:
                columns["targets"] = self.targets[rows]
            split = np.full(len(self.start[rows]), UNSPLIT, np.int8)
            yield Batch(columns, split, 0, None if self.group is None else self.group[rows])


def build(source, data_dir, config):
    lines = []
    manifest = build_dataset(source, data_dir, "x", config=config, log=lines.append)
    return manifest, lines


def read(data_dir, split):
    opened = Dataset(data_dir).split(split)
    return opened.read(np.arange(opened.num_examples))


def test_every_chromosome_is_in_one_split(tmp_path):
    source = Windows([0, 0, 1, 2, 2, 2], [0, 50, 0, 0, 50, 90])
    manifest, _ = build(source, tmp_path / "d", BY_CHROM)
    found = {name: set(read(tmp_path / "d", name)["chrom_id"].tolist()) for name in manifest.splits}
    assert found == {"train": {0}, "valid": {1}, "test": {2}}
    assert manifest.chroms == CHROMS


def test_records_hold_places_and_tracks(tmp_path):
    source = Windows([0, 0, 1, 2], [5, 50, 7, 9])
    build(source, tmp_path / "d", BY_CHROM)
    train = read(tmp_path / "d", "train")
    order = np.argsort(train["row"])
    assert train["start"][order].tolist() == [5, 50]
    assert train["targets"].dtype == np.float16
    np.testing.assert_array_equal(train["targets"][order], source.targets[:2])


def test_tracks_are_described_in_their_own_unit(tmp_path):
    targets = np.zeros((4, BINS, 2), np.float16)
    targets[:2, :, 0] = [[1, 2, 3], [1, 2, np.nan]]
    manifest, _ = build(
        Windows([0, 0, 1, 2], [5, 50, 7, 9], targets=targets), tmp_path / "d", BY_CHROM
    )
    # Stored are halves: (1 + 2 + 3 + 1 + 2) / 5 = 1.8, times the scale of 2.
    found = manifest.statistics["splits"]["train"]["tasks"]["plus"]
    assert found["mean"] == pytest.approx(3.6)
    assert (found["min"], found["max"], found["missing"]) == (2, 6, 1)


def test_missing_bins_stay_missing_and_rows_without_any_are_left_out(tmp_path):
    targets = np.ones((5, BINS, 2), np.float16)
    targets[0, 1, 0] = np.nan
    targets[1] = np.nan
    source = Windows([0, 0, 0, 1, 2], [5, 50, 80, 7, 9], targets=targets)
    manifest, lines = build(source, tmp_path / "d", BY_CHROM)
    assert "Left out 1 row that has no label." in lines
    train = read(tmp_path / "d", "train")
    assert sorted(train["row"].tolist()) == [0, 2]
    assert np.isnan(train["targets"]).sum() == 1
    assert "weight" not in manifest.schema


def test_both_strands_stored_swap_the_tracks_and_run_backwards(tmp_path):
    config = BuildConfig(valid_chroms=("II",), test_chroms=("III",), reverse_complement="store")
    source = Windows([0, 1, 2], [5, 7, 9])
    build(source, tmp_path / "d", config)
    train = read(tmp_path / "d", "train")
    turned, kept = np.argsort(train["strand"])
    assert train["strand"][[turned, kept]].tolist() == [-1, 1]
    np.testing.assert_array_equal(train["targets"][turned], source.targets[0, ::-1, ::-1])
    opposite = sequence.reverse_complement(train["sequence"][[kept]], LENGTH)
    np.testing.assert_array_equal(train["sequence"][[turned]], opposite)


def test_windows_without_labels(tmp_path):
    source = Windows([0, 0, 1, 2], [5, 50, 7, 9], has_targets=False)
    manifest, _ = build(source, tmp_path / "d", BY_CHROM)
    assert (manifest.tasks, manifest.task_type) == ((), "unlabelled")
    assert "targets" not in manifest.schema
    assert manifest.num_examples("train") == 2


def test_overlapping_windows_stay_together(tmp_path):
    # Pairs of windows that share 6 bp, the pairs 30 bp apart.
    start = np.repeat(np.arange(300) * 30, 2) + np.tile([0, 6], 300)
    source = Windows(np.zeros(600), start)
    build(source, tmp_path / "d", BuildConfig(split_fractions=(0.6, 0.2, 0.2)))
    splits = [
        set((read(tmp_path / "d", name)["start"] // 30).tolist())
        for name in ("train", "valid", "test")
    ]
    assert all(splits)
    assert sum(map(len, splits)) == 300


def test_copies_of_windows_stay_together(tmp_path):
    """Of 4096 sequences of A and T, the other strands of each other, 600 windows share many."""
    source = Windows(np.zeros(600), np.arange(600) * 30, alphabet="AT")
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), near_duplicate_threshold=1)
    manifest, _ = build(source, tmp_path / "d", config)
    assert {shared["sequences"] for shared in manifest.audit["shared"].values()} == {0}
    assert sum(manifest.audit["repeats"].values()) > 0
    assert sum(manifest.audit["reverse_complement_repeats"].values()) > 0
    assert sum(map(manifest.num_examples, manifest.splits)) == 600


def test_windows_that_do_not_overlap_may_part(tmp_path):
    start = np.repeat(np.arange(300) * 30, 2) + np.tile([0, 12], 300)
    build(
        Windows(np.zeros(600), start), tmp_path / "d", BuildConfig(split_fractions=(0.6, 0.2, 0.2))
    )
    splits = [
        set((read(tmp_path / "d", name)["start"] // 30).tolist())
        for name in ("train", "valid", "test")
    ]
    assert sum(map(len, splits)) > 300


def test_fractions_of_whole_chromosomes(tmp_path):
    """Windows 50 bp apart, which alone could part."""
    source = Windows(np.repeat([0, 1, 2], 20), np.tile(np.arange(20) * 50, 3))
    config = BuildConfig(split_fractions=(0.34, 0.33, 0.33), whole_chroms=True)
    build(source, tmp_path / "d", config)
    splits = [set(read(tmp_path / "d", name)["chrom_id"].tolist()) for name in SPLITS]
    assert sorted(map(len, splits)) == [1, 1, 1]
    assert set.union(*splits) == {0, 1, 2}


def test_whole_chromosomes_need_fractions_and_chromosomes(write, tmp_path):
    with pytest.raises(InputError, match="--whole_chroms needs --split_fractions, or --num_folds"):
        BuildConfig(valid_chroms=("II",), whole_chroms=True)
    table = CsvTable(write("all.csv", "sequence,label\nACGT,1\nACCT,0\n"))
    config = BuildConfig(split_fractions=(0.5, 0.5, 0), whole_chroms=True)
    with pytest.raises(InputError, match="--whole_chroms splits windows of a genome; these rows"):
        build(table, tmp_path / "d", config)


def test_what_splits_share_is_in_the_manifest(tmp_path):
    """Every window overlaps the next by 4 bp, but groups say that they may part."""
    source = Windows(np.zeros(40), np.arange(40) * 8, group=np.arange(40, dtype=np.uint64))
    config = BuildConfig(split_fractions=(0.5, 0.25, 0.25), leak_threshold=1)
    manifest, lines = build(source, tmp_path / "d", config)
    split = np.empty(40, int)
    for code, name in enumerate(SPLITS):
        split[read(tmp_path / "d", name)["row"]] = code
    seams = np.sort(np.stack([split[:-1], split[1:]]), axis=0).T.tolist()
    for pair, shared in manifest.audit["shared"].items():
        codes = [SPLITS.index(name) for name in pair.split("/")]
        assert shared["overlap_bp"] == 4 * seams.count(codes) > 0
        assert shared["shared_groups"] == 0
    assert any("overlap windows of another split" in line for line in lines)


def test_chromosomes_of_no_split_are_left_out_and_counted(tmp_path):
    config = BuildConfig(train_chroms=("I",), valid_chroms=("II",))
    manifest, lines = build(Windows([0, 1, 2, 2], [5, 7, 9, 40]), tmp_path / "d", config)
    assert "Left out 2 rows that lie on a chromosome of no split." in lines
    assert list(manifest.splits) == ["train", "valid"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            BuildConfig(valid_chroms=("IV",)),
            r"--valid_chroms=IV: there is no chromosome 'IV'\. Did you mean 'I'\?",
        ),
        (
            BuildConfig(test_chroms=("III",)),
            "split test would be empty: no row lies on its chromosomes, but on I, II$",
        ),
        (BuildConfig(), "windows come without a split; give --split_fractions.*--valid_chroms"),
        (
            BuildConfig(split_fractions=(0.6, 0.2, 0.2)),
            "split .* would be empty",
        ),
    ],
)
def test_splits_that_cannot_be(tmp_path, config, message):
    with pytest.raises(InputError, match=message):
        build(Windows([0, 0, 1], [5, 10, 7]), tmp_path / "d", config)
    assert not (tmp_path / "d").exists()


def test_rows_without_a_chromosome_are_not_split_by_it(write, tmp_path):
    table = CsvTable(write("all.csv", "sequence,label\nACGT,1\nACCT,0\n"))
    with pytest.raises(
        InputError, match="split windows of a genome; these rows have no chromosome"
    ):
        build(table, tmp_path / "d", BY_CHROM)


def test_chromosomes_and_fractions_exclude_each_other():
    with pytest.raises(InputError, match="choose one"):
        BuildConfig(valid_chroms=("I",), split_fractions=(0.8, 0.1, 0.1))
    with pytest.raises(InputError, match="I is in --valid_chroms and in --test_chroms"):
        BuildConfig(valid_chroms=("I",), test_chroms=("I",))
