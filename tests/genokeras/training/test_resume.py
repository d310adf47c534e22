"""Runs killed by SIGKILL end with the weights and curves of an undisturbed run, to the bit."""

import collections
import json
import multiprocessing
import random
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from genokeras.training import checkpoint
from genokeras.training.summaries import read_rows
from genokeras.training.train import recipe, train

TIMED = ("examples_per_second", "input_wait_fraction")


@pytest.fixture(scope="module")
def processes():
    """Starts processes from one that has TensorFlow loaded, but not yet used."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["genokeras.training.train", "genokeras.training.tensorflow_engine"]
    )
    return context


def start(processes, data_dir, workdir, options):
    process = processes.Process(target=train, args=(data_dir, workdir), kwargs=options)
    process.start()
    return process


def train_with_kills(processes, data_dir, workdir, options, delays):
    """Kills the run as often as there are delays, each so long after it has got any further.

    Then lets it end; returns how often it was killed.
    """
    kills = 0
    for delay in [*delays, None]:
        saved = checkpoint.steps(workdir / "checkpoints")
        process = start(processes, data_dir, workdir, options)
        while process.is_alive() and checkpoint.steps(workdir / "checkpoints") == saved:
            time.sleep(0.002)
        process.join(delay)
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
        else:
            assert process.exitcode == 0
    return kills


def without_times(rows):
    return [
        {
            "step": row["step"],
            "valid": row.get("valid"),
            "train": {name: x for name, x in row["train"].items() if name not in TIMED},
        }
        for row in rows
    ]


def assert_same_run(first, second, steps):
    arrays, states = zip(
        *(checkpoint.load(run / "checkpoints" / f"step-{steps}") for run in (first, second)),
        strict=True,
    )
    assert arrays[0].keys() == arrays[1].keys()
    for group, values in arrays[0].items():
        for name, value in values.items():
            np.testing.assert_array_equal(value, arrays[1][group][name], err_msg=name)
    assert states[0]["best"] == states[1]["best"]
    rows = [read_rows(run) for run in (first, second)]
    assert without_times(rows[0]) == without_times(rows[1])
    for tag in ("train/loss", "valid/auroc"):
        curves = [
            EventAccumulator(str(run / "tensorboard")).Reload().Scalars(tag)
            for run in (first, second)
        ]
        points = [[(event.step, event.value) for event in curve] for curve in curves]
        assert points[0] == points[1]
        assert len(dict(points[1])) == len(points[1]), "a step was shown twice"
    tags = [tags_written_once(run) for run in (first, second)]
    assert tags[0] == tags[1]
    assert {"_hparams_/session_start_info", "_hparams_/session_end_info", "run/1_command"} <= tags[
        0
    ]


def tags_written_once(run):
    """Tags of which the files of events hold one value, whatever readers make of several."""
    counts = collections.Counter(
        value.tag
        for path in (run / "tensorboard").iterdir()
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    )
    return {tag for tag, count in counts.items() if count == 1}


def test_killed_run_ends_like_an_undisturbed_one(processes, data_dir, tmp_path):
    """The loss is least soon after the start, so the count that stops the run outlives kills."""
    training = recipe(
        preset="fewer_conv_channels", steps=60, log_every=4, eval_every=4, checkpoint_every=7,
        ema=0.9, clipnorm=0.5, jit="off", best_metric="loss", patience=11,
    )  # fmt: skip
    options = {"preset": "fewer_conv_channels", "training": training}
    process = start(processes, data_dir, tmp_path / "undisturbed", options)
    delays = [random.Random(seed).uniform(0, 0.03) for seed in range(3)]
    kills = train_with_kills(processes, data_dir, tmp_path / "killed", options, delays)
    process.join()
    assert kills >= 2
    results = [
        json.loads((tmp_path / name / "result.json").read_text())
        for name in ("undisturbed", "killed")
    ]
    assert [result.pop("seconds") > 0 for result in results] == [True, True]
    assert results[0] == results[1]
    assert results[0]["steps"] == results[0]["best_step"] + 11 * 4 < 60
    assert_same_run(tmp_path / "undisturbed", tmp_path / "killed", results[0]["steps"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("preset", ["baseline", "base"])
def test_killed_run_on_real_data(processes, more_data, write_dataset, tmp_path, preset):
    """Human ChIP-seq (GUE tf2); attention and k-mers are in `base`, compiled code in both."""
    import csv
    import gzip

    rows = {}
    for split, name in [("train", "train"), ("valid", "dev")]:
        with gzip.open(more_data("tf_binding/gue/tf2") / f"{name}.csv.gz", "rt") as file:
            rows[split] = list(csv.DictReader(file))
    everything = [row for split in rows.values() for row in split]
    data_dir = write_dataset(
        tmp_path / "data",
        [row["sequence"] for row in everything],
        np.array([[float(row["label"])] for row in everything]),
        splits={split: len(part) for split, part in rows.items()},
    )
    training = recipe(preset=preset, steps=600, checkpoint_every=50, eval_every=200, jit="on")
    options = {"preset": preset, "training": training}
    process = start(processes, data_dir, tmp_path / "undisturbed", options)
    process.join()
    # At most one and a half checkpoints after the next one, whatever the machine's speed.
    first, *_, last = read_rows(tmp_path / "undisturbed")[1:]
    step_seconds = (last["time"] - first["time"]) / (last["step"] - first["step"])
    delays = [random.Random(seed).uniform(0, 75 * step_seconds) for seed in range(6)]
    kills = train_with_kills(processes, data_dir, tmp_path / "killed", options, delays)
    assert kills >= 3
    assert_same_run(tmp_path / "undisturbed", tmp_path / "killed", 600)
