"""Runs of a model whose logits are known, on small datasets."""

import dataclasses
import json
import types

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.manifest import Manifest

MOTIF = "TGACTCAC"


def motif_model(spec):
    """A model without training: 4 times the number of `MOTIF` on the given strand, minus 2.

    Task 0 counts it on the forward strand, task 1 (if there is one) on the opposite strand.
    """
    import keras

    from genokeras.layers.one_hot import OneHot

    kernel = sequence.unpack(sequence.encode([MOTIF], len(MOTIF)), len(MOTIF))[0]
    kernels = np.stack([kernel, kernel[::-1, ::-1]][: spec.num_tasks], axis=-1)
    packed = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    one_hot, _ = OneHot(spec.length, name="one_hot")(packed)
    scan = keras.layers.Conv1D(spec.num_tasks, len(MOTIF), activation="relu", name="scan")
    hits = keras.ops.sum(scan(one_hot), axis=1)
    logits = keras.layers.Rescaling(4.0, -2.0, name="logits")(hits)
    scan.set_weights([kernels, np.full(spec.num_tasks, 1.0 - len(MOTIF), np.float32)])
    return keras.Model(packed, logits, name="motif_counter")


@pytest.fixture(name="motif_model")
def motif_model_fixture():
    return motif_model


@pytest.fixture(name="write_motif_run")
def write_motif_run_fixture(tmp_path, monkeypatch, write_dataset):
    """Writes a run, as training leaves it, of the model above on a dataset of such splits."""

    def write(splits, folder=tmp_path, scale=1.0, **data):
        data_dir = write_dataset(folder / "data", splits, **data)
        return write_motif_run(folder, monkeypatch, data_dir, scale)

    return write


@pytest.fixture
def motif_run(write_motif_run):
    """A run on 60 examples per split, every second one with the motif on the forward strand."""
    rng = np.random.default_rng(0)
    return write_motif_run({name: (*planted(rng, 60), None) for name in ("train", "valid", "test")})


@pytest.fixture(name="planted")
def planted_fixture():
    return planted


def planted(rng, number, length=40):
    """Texts, every second one with the motif on the forward strand, and 0/1 labels."""
    rows = rng.choice(list("ACGT"), (number, length))
    texts = ["".join(row).replace("TGAC", "TGAA") for row in rows]
    labels = np.arange(number) % 2
    for row in np.flatnonzero(labels):
        at = rng.integers(length - len(MOTIF))
        texts[row] = texts[row][:at] + MOTIF + texts[row][at + len(MOTIF) :]
    return texts, labels


def write_motif_run(folder, monkeypatch, data_dir, scale):
    """`scale` is what a motif counts: logits are `4 * scale * number - 2`."""
    from genokeras.models import spec as specs
    from genokeras.training import checkpoint, variables
    from genokeras.training.workdir import Run

    manifest = Manifest.load(data_dir)
    spec = specs.Spec.from_manifest(manifest)
    module = types.SimpleNamespace(
        Config=EmptyConfig,
        PRESETS={"base": EmptyConfig()},
        TRAINING={},
        TASK_TYPES=(spec.task_type,),
        build=lambda config, spec: motif_model(spec),
        prepare=lambda config, spec, batch, training: batch,
    )
    load = specs.load
    monkeypatch.setattr(
        specs, "load", lambda name: module if name == "motif_counter" else load(name)
    )
    settings = {
        "format_version": 1,
        "model": "motif_counter",
        "preset": "base",
        "config": {},
        "training": {},
        "spec": dataclasses.asdict(spec),
        "data_dir": str(data_dir),
        "manifest_sha256": manifest.sha256,
    }
    workdir = folder / "run"
    workdir.mkdir(parents=True)
    (workdir / "config.json").write_text(json.dumps(settings))
    weights = variables.read(motif_model(spec).variables)
    arrays = {"model": {name: scale * values for name, values in weights.items()}}
    state = {"step": 7, "best": {"best_step": 7}}
    checkpoint.save(workdir / "checkpoints", 7, arrays, state)
    return Run.open(workdir)


@dataclasses.dataclass(frozen=True)
class EmptyConfig:
    """Of a model without settings."""
