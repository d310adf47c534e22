import types

import numpy as np

from genokeras.evaluation.split_windows import SplitWindows
from genokeras.models.spec import Spec
from genokeras.probing.seen_windows import count_seen
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

LENGTH, SHIFT = 10, 2


def windows_of(folder, split, names, places, chroms, genome="f" * 64):
    """A dataset of windows of all A at places, with flanks."""
    width = LENGTH + 2 * SHIFT
    schema = Schema(
        (
            Feature("sequence", "uint8", (sequence.packed_width(width),), bases=width),
            Feature("chrom_id", "int32", ()),
            Feature("start", "int64", ()),
        )
    )
    folder.mkdir()
    ids = [chroms.index(name) for name in names]
    columns = {
        "sequence": sequence.encode(["A" * width] * len(ids), width),
        "chrom_id": np.array(ids, np.int32),
        "start": np.array(places, np.int64),
    }
    with ShardWriter(folder / shard_file("w", split, 0, 1), schema) as writer:
        writer.write(columns)
    described = {"chroms": tuple(Chrom(name, 1000) for name in chroms), "genome_sha256": genome}
    described |= {"task_type": "unlabelled", "shift_bp": SHIFT}
    Manifest("w", schema, {split: (writer.shard,)}, **described).save(folder)
    return Dataset(folder)


def run_of(dataset, source=None):
    return types.SimpleNamespace(data_dir=dataset.data_dir, dataset=lambda: dataset, source=source)


def counted(tested, learnt, source=None):
    windows = SplitWindows(tested, "test")
    return count_seen(windows, tested.manifest, run_of(learnt, source))


def test_windows_that_overlap_with_what_was_learnt(tmp_path):
    """Of 10 bp, and learnt with shifts of 2 bp: those that begin 11 bp or less away."""
    learnt = windows_of(tmp_path / "a", "train", ["II", "I"], [100, 500], ["I", "II"])
    places = [
        ("II", 89),
        ("II", 88),
        ("II", 111),
        ("II", 112),
        ("I", 100),
        ("I", 500),
        ("III", 500),
    ]
    tested = windows_of(tmp_path / "b", "test", *zip(*places, strict=True), ["III", "II", "I"])
    assert counted(tested, learnt) == 3
    # The control: places of another genome say nothing; all windows are the same DNA there.
    other = windows_of(tmp_path / "c", "train", ["I"], [0], ["I"], genome="0" * 64)
    assert counted(tested, other) == 7


def test_what_a_run_began_with_counts_as_well(tmp_path, monkeypatch):
    tested = windows_of(tmp_path / "a", "test", ["I"] * 3, [500, 100, 300], ["I"])
    own = windows_of(tmp_path / "b", "train", ["I"] * 2, [300, 305], ["I"])
    first = windows_of(tmp_path / "c", "train", ["I"] * 2, [305, 505], ["I"])
    assert counted(tested, own) == 1
    begun_with = types.SimpleNamespace(workdir="first")
    monkeypatch.setattr(Run, "open", lambda workdir: {"first": run_of(first)}[workdir])
    assert counted(tested, own, begun_with) == 2

    def gone(workdir):
        raise InputError(f"{workdir} is gone")

    monkeypatch.setattr(Run, "open", gone)
    assert counted(tested, own, begun_with) is None


def test_copies_on_either_strand(write_dataset, tmp_path):
    texts = ["ACGTTGCAAC", "GTTGCAACGT", "CCCCCCCCCC", "ACGTTGCAAG"]
    tested = write_dataset(tmp_path / "a", {"test": (texts, [0] * 4, None)})
    learnt = write_dataset(tmp_path / "b", {"train": (texts[:1], [0], None)})
    # The second one is the reverse complement of the first.
    assert counted(Dataset(tested), Dataset(learnt)) == 2


def test_a_dataset_that_is_gone_cannot_be_asked(write_run, write_dataset, tmp_path):
    run = Run.open(write_run(tmp_path / "run", "mlm", Spec(10, (), "unlabelled")))
    tested = Dataset(write_dataset(tmp_path / "a", {"test": (["A" * 10], [0], None)}))
    windows = SplitWindows(tested, "test")
    assert count_seen(windows, tested.manifest, run) is None
