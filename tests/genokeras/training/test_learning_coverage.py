"""Coverage with a known cause is learnt from a dataset on disk; shuffled coverage is not."""

import pathlib

import numpy as np
import pytest

from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train
from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

LENGTH, BIN_BP, CROP_BP = 256, 8, 16
NUM_BINS = (LENGTH - 2 * CROP_BP) // BIN_BP
MOTIF = [3, 2, 0, 1, 3, 1, 0]  # TGACTCA
SIZES = {"train": 1200, "valid": 200}
SCALE = 0.25  # Counts are stored as multiples of it.
SMALL = ["stem_filters=16", "filters=24", "blocks=3", "head_units=16", "stem_kernel_size=9"]


def stranded_counts(num_windows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns packed DNA and counts `[N, bins, 2]`: reads to the right of a motif, on its strand.

    A motif of the given strand makes reads of the first track start at its first base and go on for
    24 bp; one of the opposite strand makes reads of the second, the other way.
    """
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 4, (num_windows, LENGTH))
    starts = rng.integers(0, LENGTH - len(MOTIF), (num_windows, 2))
    rates = np.full((num_windows, LENGTH, 2), 0.02)
    opposite = [3 - base for base in MOTIF[::-1]]
    for strand, motif in enumerate((MOTIF, opposite)):
        places = starts[:, strand, None] + np.arange(len(motif))
        np.put_along_axis(bases, places, np.array(motif)[None], axis=1)
    for strand, motif in enumerate((MOTIF, opposite)):
        windows = np.lib.stride_tricks.sliding_window_view(bases, len(motif), axis=1)
        for window, at in np.argwhere((windows == motif).all(axis=2)):
            end = at + len(motif)
            reach = slice(at, at + 24) if strand == 0 else slice(max(0, end - 24), end)
            rates[window, reach, strand] += 1
    inner = rates[:, CROP_BP : LENGTH - CROP_BP].reshape(num_windows, NUM_BINS, BIN_BP, 2)
    packed = sequence.encode(["".join("ACGT"[base] for base in row) for row in bases], LENGTH)
    return packed, rng.poisson(inner.sum(axis=2))


def write(data_dir: pathlib.Path, packed: np.ndarray, counts: np.ndarray) -> pathlib.Path:
    schema = Schema(
        (
            Feature("row", "int64", ()),
            Feature("sequence", "uint8", (packed.shape[1],), bases=LENGTH),
            Feature("targets", "float16", (NUM_BINS, 2)),
        )
    )
    data_dir.mkdir()
    splits, start = {}, 0
    for split, size in SIZES.items():
        rows = np.arange(start, start + size)
        with ShardWriter(data_dir / shard_file("reads", split, 0, 1), schema) as writer:
            targets = (counts[rows] / SCALE).astype(np.float16)
            writer.write({"row": rows, "sequence": packed[rows], "targets": targets})
        splits[split], start = (writer.shard,), start + size
    binned = {"bin_bp": BIN_BP, "crop_bp": CROP_BP, "target_scale": (SCALE, SCALE)}
    paired = {"tasks": ("plus", "minus"), "strand_pairs": (1, 0), "task_type": "coverage"}
    Manifest("reads", schema, splits, **paired, **binned).save(data_dir)
    return data_dir


def fit(data_dir, tmp_path, *overrides, **changes):
    settings = {"batch_size": 20, "steps": 120, "learning_rate": 4e-3, "eval_every": 60}
    training = recipe("track", jit="off", log_every=10, **settings | changes)
    options = {"model": "track", "overrides": [*SMALL, *overrides], "training": training}
    return train(data_dir, tmp_path / "run", **options)


def test_strands_of_reads_are_learnt(tmp_path):
    """Only if turned examples have their tracks swapped and reversed can the two be told apart."""
    data_dir = write(tmp_path / "data", *stranded_counts(sum(SIZES.values())))
    result = fit(data_dir, tmp_path)
    assert result.metric == "pearson_r"
    assert result.scores["pearson_r"] > 0.8
    assert {task: row["pearson_r"] > 0.8 for task, row in result.scores["tasks"].items()} == {
        "plus": True,
        "minus": True,
    }
    assert result.scores["profile_jsd"] < 0.7 * result.scores["mean_profile_jsd"]
    losses = [row["train"]["loss"] for row in read_rows(tmp_path / "run") if "loss" in row["train"]]
    assert losses[-1] < 0.5 * losses[0]


def test_shuffled_coverage_teaches_nothing(tmp_path):
    packed, counts = stranded_counts(sum(SIZES.values()))
    counts = np.random.default_rng(1).permutation(counts)
    result = fit(write(tmp_path / "data", packed, counts), tmp_path, steps=60)
    # Bins of 200 windows, a motif's reads in four at a time: some 2000 independent ones.
    assert abs(result.scores["pearson_r"]) < 3 / np.sqrt(2000)


@pytest.mark.parametrize("loss", ["profile_counts", "mse_log"])
def test_other_losses_learn_too(tmp_path, loss):
    data_dir = write(tmp_path / "data", *stranded_counts(sum(SIZES.values())))
    result = fit(data_dir, tmp_path, f"loss={loss}", "total_weight=1")
    assert result.scores["pearson_r"] > 0.7
