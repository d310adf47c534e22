"""The manifest is complete, canonical, and refuses what it cannot mean."""

import dataclasses
import hashlib
import json

import pytest

from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.manifest import SPLITS, Manifest, Shard, split_name
from tfrecords.schema import Feature, Schema

SCHEMA = Schema((Feature("targets", "float32", (3,)),))
SHARD = Shard("tf0-train.tfrecord-00000-of-00001", 5, 200, "ab" * 32)


def make(**changes):
    return Manifest(
        **{
            "name": "tf0",
            "schema": SCHEMA,
            "splits": {"train": (SHARD,)},
            "tasks": ("a", "b", "c"),
            "inputs": ({"file": "train.csv.gz", "sha256": "cd" * 32, "num_rows": 5},),
            "flags": {"seed": 0},
            "strand_pairs": (1, 0, 2),
            "base_composition": {"A": 0.25},
            **changes,
        }
    )


def test_what_is_saved_is_loaded(tmp_path):
    make().save(tmp_path)
    assert Manifest.load(tmp_path) == make()
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_hash_is_of_the_content(tmp_path):
    make().save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert Manifest.load(tmp_path).sha256 == make().sha256
    assert make(flags={"seed": 1}).sha256 != make().sha256


def test_splits_come_in_one_order():
    manifest = make(splits={"test": [SHARD], "train": [SHARD, SHARD], "valid": []})
    assert list(manifest.splits) == ["train", "valid", "test"]
    assert [manifest.num_examples(split) for split in manifest.splits] == [10, 0, 5]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((split, split) for split in SPLITS),
        ("training", "train"), ("val", "valid"), ("dev", "valid"), ("validation", "valid"),
        (" Dev ", "valid"), ("TEST", "test"),
        ("holdout", "holdout"), ("Holdout", "holdout"),
    ],
)  # fmt: skip
def test_other_names_of_splits(name, split):
    assert split_name(name) == split


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "my-data"}, r"dataset name 'my-data', expected \[a-z\]"),
        ({"splits": {"dev": ()}}, "split 'dev', expected one of train, valid, test"),
        ({"task_type": "count"}, "'count', expected one of binary, regression, coverage, unl"),
        ({"reverse_complement": "both"}, "'both', expected one of online, store, none"),
        ({"compression": "xz"}, "compression 'xz', expected one of none, gzip"),
        ({"tasks": ("a",)}, r"targets: float32\(3,\), but 1 tasks"),
        ({"strand_pairs": (1, 2, 0)}, r"strand_pairs \[1, 2, 0\], expected for each of the 3"),
        ({"strand_pairs": (0, 1)}, r"strand_pairs \[0, 1\], expected for each of the 3"),
        ({"strand_pairs": (0, 1, 3)}, r"strand_pairs \[0, 1, 3\], expected for each of the 3"),
    ],
)
def test_a_manifest_that_means_nothing(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        Manifest.load(tmp_path / "nowhere")


def test_a_file_that_is_no_folder(tmp_path):
    (tmp_path / "a.csv").write_text("sequence,label\n")
    with pytest.raises(InputError, match="a.csv: a file, expected the folder of a dataset"):
        Manifest.load(tmp_path / "a.csv")


def test_a_folder_without_manifest_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match=r"not a dataset, it has no manifest.json .*finish the"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"manifest.json: not JSON \(.*\); build the dataset again"),
        ("[]", "manifest.json: expected a JSON object"),
        ("\x00\xff", "manifest.json: not JSON"),
        ('{"format_version": 1}', "manifest.json: not a complete manifest"),
        ('{"name": "x"}', "manifest.json: format version None, this version of genokeras reads 1"),
    ],
)
def test_a_file_that_is_no_manifest(tmp_path, text, message):
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        Manifest.load(tmp_path)


def edited(tmp_path, **changes):
    make().save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return Manifest.load


def test_a_newer_format_says_so(tmp_path):
    load = edited(tmp_path, format_version=2)
    with pytest.raises(InputError, match="format version 2, .* reads 1; update genokeras or"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "not a complete manifest.*colour"),
        ({"schema": [{"name": "x"}]}, "not a complete manifest.*dtype"),
        ({"schema": [{"name": "x", "dtype": "int7", "shape": []}]}, "type 'int7' is not stored"),
        ({"splits": {"train": [{"file": "x"}]}}, "not a complete manifest.*num_examples"),
        ({"splits": 3}, "not a complete manifest"),
        ({"name": None}, "dataset name None"),
    ],
)
def test_an_edited_manifest_names_the_file(tmp_path, changes, message):
    load = edited(tmp_path, **changes)
    with pytest.raises(InputError, match=f"manifest.json: .*{message}"):
        load(tmp_path)


DNA = Schema((Feature("sequence", "uint8", (59,), bases=117), Feature("targets", "float32", (3,))))


def test_a_shift_leaves_a_window(tmp_path):
    shifted = make(schema=DNA, shift_bp=8)
    shifted.save(tmp_path)
    assert Manifest.load(tmp_path) == shifted
    assert shifted.window_bp == 101
    assert make(schema=DNA).window_bp == 117
    assert shifted.sha256 != make(schema=DNA).sha256


def test_without_shifts_the_file_is_as_it_was_before_there_were_any(tmp_path):
    make().save(tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert "shift_bp" not in content
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert make().sha256 == hashlib.sha256(canonical).hexdigest()
    # Worked out by the version before: a field that is new must be left out at its default.
    assert make().sha256 == "1236c7edb0e7c1803767d2eef959974e3001ee2e41489c8663b35f601f5bbf74"


@pytest.mark.parametrize(
    ("schema", "shift_bp", "message"),
    [
        (DNA, -1, "shift_bp -1, expected a number of bases from 0"),
        (DNA, 0.5, "shift_bp 0.5, expected a number of bases from 0"),
        (DNA, 59, "shift_bp 59 leaves no window of the 117 bases stored"),
        (SCHEMA, 1, "shift_bp 1 leaves no window of the 0 bases stored"),
    ],
)
def test_a_shift_that_leaves_no_window(schema, shift_bp, message):
    assert make(schema=DNA, shift_bp=58).window_bp == 1
    with pytest.raises(InputError, match=message):
        make(schema=schema, shift_bp=shift_bp)


TRACKS = Schema(
    (Feature("sequence", "uint8", (48,), bases=96), Feature("targets", "float16", (10, 3)))
)
OF_TRACKS = {"schema": TRACKS, "task_type": "coverage", "bin_bp": 8, "crop_bp": 8}


def test_coverage_has_bins_scales_and_a_genome(tmp_path):
    chroms = (Chrom("chrI", 230218), Chrom("chrM", 85779))
    genome = {"chroms": chroms, "genome_sha256": "ef" * 32}
    tracks = make(**OF_TRACKS, target_scale=(0.5, 1.0, 2.0), **genome)
    tracks.save(tmp_path)
    assert Manifest.load(tmp_path) == tracks
    assert (tracks.num_bins, tracks.window_bp) == (10, 96)
    assert make(schema=DNA).num_bins == 0


def test_cut_sites_are_numbers_of_tasks_and_left_out_without_any(tmp_path):
    bases = dataclasses.replace(TRACKS["targets"], shape=(80, 3))
    of_bases = OF_TRACKS | {"schema": Schema((TRACKS["sequence"], bases)), "bin_bp": 1}
    cuts = make(**of_bases, cut_sites=(0, 1), strand_pairs=(1, 0, 2))
    cuts.save(tmp_path)
    assert Manifest.load(tmp_path) == cuts
    assert "cut_sites" not in make(**of_bases).to_json()
    with pytest.raises(InputError, match="cut sites need bin_bp 1, not 8"):
        make(**OF_TRACKS, cut_sites=(0,))


def test_unlabelled_windows_have_neither_targets_nor_tasks(tmp_path):
    windows = Schema((Feature("sequence", "uint8", (48,), bases=96),))
    made = make(schema=windows, tasks=(), strand_pairs=None, task_type="unlabelled")
    made.save(tmp_path)
    assert Manifest.load(tmp_path) == made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bin_bp": 0}, "bin_bp 0, expected a number of bases from 1"),
        ({"bin_bp": 16}, "crop_bp 8, expected a multiple of bin_bp 16"),
        ({"crop_bp": 0}, r"targets: float16\(10, 3\), but 12 bins of 8 bp and 3 tasks"),
        ({"target_scale": (1.0,)}, r"target_scale \[1.0\], expected for each of the 3 tasks"),
        ({"task_type": "regression"}, "bin_bp 8, crop_bp 8, 0 target scales: they are of cover"),
    ],
)
def test_bins_that_do_not_fit_the_targets(changes, message):
    with pytest.raises(InputError, match=message):
        make(**OF_TRACKS | changes)


def test_a_manifest_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().name = "other"
