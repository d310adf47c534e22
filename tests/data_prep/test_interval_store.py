"""Records that hold places only: readers cut the same examples out of the genome beside them."""

import json
import pickle

import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.describe import describe, verify
from data_prep.genome_windows import GenomeWindows
from data_prep.ingest import ingest
from data_prep.peaks import Peaks
from data_prep.scratch import Scratch
from data_prep.tracks import Tracks
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset

CHROM_BP = 2000
SPLITS = {"valid_chroms": ("b",), "test_chroms": ("c",)}
SHIFT_BP = 5


@pytest.fixture
def files(write, random_sequences, bigwig):
    """A genome with small letters and N, peaks on both strands, and coverage of both."""
    chroms = dict(zip("abc", random_sequences(3, CHROM_BP, letters="ACGTacgtR"), strict=True))
    starts = range(600, 1400, 170)
    rows = [f"{c}\t{s}\t{s + 9}\tx\t0\t{'+-'[s % 20 // 10]}\n" for c in chroms for s in starts]
    values = [(c, s, s + 50, s % 7) for c in chroms for s in range(0, CHROM_BP, 50)]
    return {
        "fasta": write("g.fa", "".join(f">{name}\n{text}\n" for name, text in chroms.items())),
        "peaks": write("p.bed", "".join(rows)),
        "plus": bigwig("plus.bw", dict.fromkeys(chroms, CHROM_BP), values),
        "chroms": chroms,
    }


def source(kind, files, tmp_path):
    shared = {"window_bp": 96, "shift_bp": SHIFT_BP, "cache_dir": tmp_path / "cache"}
    if kind == "windows":
        return GenomeWindows(
            files["fasta"], stride_bp=31, keep_softmask=True, max_ambiguous=1, **shared
        )
    if kind == "peaks":
        return Peaks(files["fasta"], [files["peaks"]], negatives="random", **shared)
    return Tracks(files["fasta"], bigwigs=[files["plus"]], bin_bp=8, max_ambiguous=1, **shared)


def build(kind, files, tmp_path, store, **choices):
    config = BuildConfig(**SPLITS, shift_bp=SHIFT_BP, store=store, num_shards=3, **choices)
    data_dir = tmp_path / f"{kind}_{store}"
    manifest = build_dataset(source(kind, files, tmp_path), data_dir, "x", config=config)
    return data_dir, manifest


@pytest.mark.parametrize("kind", ["windows", "peaks", "tracks"])
def test_the_same_batches_as_with_sequences(kind, files, tmp_path):
    folders = [build(kind, files, tmp_path, store)[0] for store in ("sequences", "intervals")]
    for split in ("train", "valid"):
        pairs = [Dataset(folder).split(split) for folder in folders]
        ours = [next(split.train_batches(3, batch_size=8, seed=1)) for split in pairs]
        alike(*ours)
        alike(*(split.read(np.arange(split.num_examples)) for split in pairs))
        for batches in zip(*(split.eval_batches(16) for split in pairs), strict=True):
            alike(*batches)
    assert {"targets"} <= set(ours[0]) or kind == "windows"
    assert ("repeat" in ours[0]) == (kind == "windows")


def test_the_genome_of_a_remote_dataset_is_copied_whole(files, tmp_path, bucket, monkeypatch):
    data_dir, manifest = build("windows", files, tmp_path, "intervals")
    local = Dataset(data_dir).split("train").read(np.arange(9))
    for limit, is_streamed in (("1", False), ("0", True)):
        monkeypatch.setenv("GENOKERAS_CACHE_LIMIT", limit)
        cache_dir = tmp_path / f"copies_{limit}"
        split = Dataset("bucket://windows_intervals", cache_dir=cache_dir).split("train")
        assert split.is_streamed == is_streamed
        alike(split.read(np.arange(9)), local)
        for file in manifest.genome_files:
            copy = cache_dir / manifest.sha256 / "genome" / file.file
            assert copy.read_bytes() == (data_dir / "genome" / file.file).read_bytes()


def alike(first, second):
    assert set(first) == set(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("kind", ["windows", "tracks"])
def test_both_strands_stored(kind, files, tmp_path):
    stored = {"reverse_complement": "store"}
    folders = [build(kind, files, tmp_path, s, **stored)[0] for s in ("sequences", "intervals")]
    both = [Dataset(folder).split("train") for folder in folders]
    batches = [split.read(np.arange(split.num_examples)) for split in both]
    alike(*batches)
    assert sorted(set(batches[1]["strand"].tolist())) == [-1, 1]


def test_records_hold_places_and_readers_cut_the_letters(files, tmp_path, reverse_complement):
    data_dir, manifest = build("peaks", files, tmp_path, "intervals")
    assert manifest.stored_schema.names == ("chrom_id", "row", "start", "strand", "targets")
    assert "sequence" in manifest.schema
    shard = manifest.splits["train"][0]
    assert shard.num_bytes == shard.num_examples * manifest.stored_schema.stride
    split = Dataset(data_dir).split("train")
    batch = pickle.loads(pickle.dumps(split)).read(np.arange(split.num_examples))
    texts = sequence.decode(batch["sequence"], 96 + 2 * SHIFT_BP)
    places = zip(*(batch[name].tolist() for name in ("chrom_id", "start", "strand")), strict=True)
    for text, (chrom_id, start, strand) in zip(texts, places, strict=True):
        chrom = files["chroms"][manifest.chroms[chrom_id].name].upper()
        window = chrom[start - SHIFT_BP : start + 96 + SHIFT_BP]
        assert text == (reverse_complement(window) if strand == -1 else window)


def test_the_dataset_needs_neither_cache_nor_fasta(files, tmp_path):
    data_dir, manifest = build("windows", files, tmp_path, "intervals", compression="gzip")
    for path in (tmp_path / "cache").glob("*/*"):
        path.unlink()
    files["fasta"].unlink()
    moved = data_dir.rename(tmp_path / "moved")
    split = Dataset(moved, cache_dir=tmp_path / "expanded").split("valid")
    assert len(split.read([0, 1])["sequence"]) == 2
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    # These windows hold which letters are small.
    names = {"bases.bin", "genome.json", "softmask.bin"}
    assert {file.file for file in manifest.genome_files} == names
    assert {path.name for path in (moved / "genome").iterdir()} == names


def test_only_what_readers_need_of_the_genome_is_copied(files, tmp_path):
    _, manifest = build("peaks", files, tmp_path, "intervals")
    assert {file.file for file in manifest.genome_files} == {"bases.bin", "genome.json"}


def test_a_dataset_that_is_there_is_found_and_can_be_replaced(files, tmp_path):
    data_dir, manifest = build("windows", files, tmp_path, "intervals")
    assert build("windows", files, tmp_path, "intervals")[1] == manifest
    config = BuildConfig(**SPLITS, shift_bp=SHIFT_BP)
    with pytest.raises(InputError, match="holds another dataset"):
        build_dataset(source("windows", files, tmp_path), data_dir, "x", config=config)
    opened = source("windows", files, tmp_path)
    build_dataset(opened, data_dir, "x", config=config, overwrite=True)
    assert not (data_dir / "genome").exists()


def test_a_genome_that_was_cut_short(files, tmp_path):
    data_dir, _ = build("windows", files, tmp_path, "intervals")
    bases = data_dir / "genome" / "bases.bin"
    bases.write_bytes(bases.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"bases.bin: has \d+ bytes, the manifest gives \d+; copy"):
        Dataset(data_dir).split("train")
    bases.unlink()
    with pytest.raises(InputError, match="bases.bin: has no bytes, the manifest gives"):
        Dataset(data_dir).split("train")


def test_what_cannot_be_stored_so(files, tmp_path, write):
    table = CsvTable(write("all.csv", "sequence,label\nACGT,1\nACCT,0\n"))
    config = BuildConfig(split_fractions=(0.5, 0.5, 0), store="intervals")
    with pytest.raises(InputError, match="^--store=intervals is for windows of a genome; these"):
        build_dataset(table, tmp_path / "data", "x", config=config)
    with pytest.raises(InputError, match="^--store=intervals: dinucleotide_shuffle makes sequen"):
        build("peaks", files, tmp_path, "intervals", negatives="dinucleotide_shuffle")
    files["peaks"].write_text("a\t100\t120\nb\t100\t120\nc\t100\t120\n")
    with pytest.raises(InputError, match="some windows have no strand, so their records could not"):
        build("peaks", files, tmp_path, "intervals", reverse_complement="store")
    with pytest.raises(
        InputError, match="^--store=interval, expected one of sequences, intervals."
    ):
        BuildConfig(store="interval")


def test_workers_need_not_see_the_genome(files, tmp_path):
    opened = source("windows", files, tmp_path)
    ingested = ingest(opened, tmp_path / "rows", None, SHIFT_BP, store="intervals")
    sent = pickle.dumps(ingested.scratch)
    for path in (tmp_path / "cache").glob("*/*"):
        path.unlink()
    found = pickle.loads(sent)
    assert type(found) is Scratch
    assert "sequence" not in found.columns


def test_it_is_described_and_verified(files, tmp_path):
    data_dir, manifest = build("windows", files, tmp_path, "intervals")
    text = describe(data_dir)
    assert "Record: chrom_id int32(), row int64(), start int64(), strand int8(); 101 bytes" in text
    assert "The sequence, 106 bp, is cut out of the genome here" in text
    total = sum(map(manifest.num_examples, manifest.splits))
    assert verify(data_dir).startswith(f"All {total} records are as they were written")
    bases = bytearray((data_dir / "genome" / "bases.bin").read_bytes())
    bases[0] ^= 1
    (data_dir / "genome" / "bases.bin").write_bytes(bases)
    with pytest.raises(InputError, match="bases.bin: its sha256 is .* copy the file again"):
        verify(data_dir)
