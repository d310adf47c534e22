"""What tests share: the other backend, a check of configurations, coverage with a known cause."""

import dataclasses
import inspect
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

ROOT = pathlib.Path(__file__).parents[2]

# Of the windows of `coverage_dataset`.
_LENGTH, _BIN_BP, _CROP_BP = 256, 8, 16
_NUM_BINS = (_LENGTH - 2 * _CROP_BP) // _BIN_BP
_MOTIF = [3, 2, 0, 1, 3, 1, 0]  # TGACTCA
_SIZES = {"train": 1200, "valid": 200}
_SCALE = 0.25  # Counts are stored as multiples of it.


# Keras takes seconds to load, so one process runs what all tests ask of the other backend.
_JAX_WORKER = """
import json, os, sys, traceback
import jax, keras
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    task = json.loads(line)
    os.chdir(task["folder"])
    try:
        exec(task["code"], {})
        error = None
    except Exception:
        error = traceback.format_exc()
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    jax.config.update("jax_enable_x64", False)
    print(json.dumps(error), file=answers, flush=True)
"""


@pytest.fixture(scope="session")
def jax_worker() -> Iterator[subprocess.Popen]:
    """A process with Keras on JAX that runs code, one line of JSON after the other."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-c", _JAX_WORKER]
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        yield process
        process.kill()


@pytest.fixture
def on_jax(tmp_path, jax_worker) -> Callable[..., dict[str, np.ndarray]]:
    """Runs code with Keras on JAX: arrays go in as `given`, those of the dict `result` come out."""

    def run(code: str, **given: np.ndarray) -> dict[str, np.ndarray]:
        np.savez(tmp_path / "given.npz", **given)
        frame = f"import numpy as np\ngiven = np.load('given.npz')\n{code}\n"
        script = frame + "np.savez('result.npz', **{k: np.asarray(v) for k, v in result.items()})"
        jax_worker.stdin.write(json.dumps({"folder": str(tmp_path), "code": script}) + "\n")
        jax_worker.stdin.flush()
        error = json.loads(jax_worker.stdout.readline())
        assert error is None, error
        return dict(np.load(tmp_path / "result.npz"))

    return run


@pytest.fixture
def assert_config_complete() -> Callable[[object], None]:
    """Checks that `get_config` holds every argument of `__init__`, and makes the same again."""

    def check(layer: object) -> None:
        config = layer.get_config()
        names = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
        assert names <= set(config), f"not in get_config: {names - set(config)}"
        again = type(layer).from_config(config).get_config()
        assert again == config

    return check


def _stranded_counts(num_windows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns packed DNA and counts `[N, bins, 2]`: reads to the right of a motif, on its strand.

    A motif of the given strand makes reads of the first track start at its first base and go on for
    24 bp; one of the opposite strand makes reads of the second, the other way.
    """
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 4, (num_windows, _LENGTH))
    starts = rng.integers(0, _LENGTH - len(_MOTIF), (num_windows, 2))
    rates = np.full((num_windows, _LENGTH, 2), 0.02)
    opposite = [3 - base for base in _MOTIF[::-1]]
    for strand, motif in enumerate((_MOTIF, opposite)):
        places = starts[:, strand, None] + np.arange(len(motif))
        np.put_along_axis(bases, places, np.array(motif)[None], axis=1)
    for strand, motif in enumerate((_MOTIF, opposite)):
        windows = np.lib.stride_tricks.sliding_window_view(bases, len(motif), axis=1)
        for window, at in np.argwhere((windows == motif).all(axis=2)):
            end = at + len(motif)
            reach = slice(at, at + 24) if strand == 0 else slice(max(0, end - 24), end)
            rates[window, reach, strand] += 1
    inner = rates[:, _CROP_BP : _LENGTH - _CROP_BP].reshape(num_windows, _NUM_BINS, _BIN_BP, 2)
    packed = sequence.encode(["".join("ACGT"[base] for base in row) for row in bases], _LENGTH)
    return packed, rng.poisson(inner.sum(axis=2))


def _write_coverage(data_dir: pathlib.Path, packed: np.ndarray, counts: np.ndarray) -> pathlib.Path:
    schema = Schema(
        (
            Feature("row", "int64", ()),
            Feature("sequence", "uint8", (packed.shape[1],), bases=_LENGTH),
            Feature("targets", "float16", (_NUM_BINS, 2)),
        )
    )
    data_dir.mkdir()
    splits, start = {}, 0
    for split, size in _SIZES.items():
        rows = np.arange(start, start + size)
        with ShardWriter(data_dir / shard_file("reads", split, 0, 1), schema) as writer:
            targets = (counts[rows] / _SCALE).astype(np.float16)
            writer.write({"row": rows, "sequence": packed[rows], "targets": targets})
        splits[split], start = (writer.shard,), start + size
    binned = {"bin_bp": _BIN_BP, "crop_bp": _CROP_BP, "target_scale": (_SCALE, _SCALE)}
    paired = {"tasks": ("plus", "minus"), "strand_pairs": (1, 0), "task_type": "coverage"}
    Manifest("reads", schema, splits, **paired, **binned).save(data_dir)
    return data_dir


@pytest.fixture(scope="session")
def coverage_dataset() -> Callable[..., pathlib.Path]:
    """Writes a dataset of reads beside a motif on either strand; `shuffled`: of any window."""

    def write(data_dir: pathlib.Path, shuffled: bool = False) -> pathlib.Path:
        packed, counts = _stranded_counts(sum(_SIZES.values()))
        if shuffled:
            counts = np.random.default_rng(1).permutation(counts)
        return _write_coverage(data_dir, packed, counts)

    return write


@pytest.fixture(scope="session")
def write_run() -> Callable[..., pathlib.Path]:
    """Writes a run as training leaves it, of a model with random weights, norms' among them."""

    def write(workdir, model, spec, *, seed=0, **changes):
        from genokeras.models import spec as specs
        from genokeras.training import checkpoint, variables
        from genokeras.training.seeded import seeded

        module = specs.load(model)
        config = dataclasses.replace(module.PRESETS["tiny"], **changes)
        rng = np.random.default_rng(seed)
        with seeded(seed):
            weights = variables.read(module.build(config, spec).variables)
        for name, values in weights.items():
            if values.dtype.kind == "f":
                noise = 0.1 * np.abs(rng.normal(size=values.shape))
                weights[name] = (values + noise).astype(values.dtype)
        workdir.mkdir(parents=True)
        settings = {"format_version": 1, "model": model, "preset": "tiny", "training": {}}
        settings |= {"config": dataclasses.asdict(config), "spec": dataclasses.asdict(spec)}
        settings |= {"data_dir": str(workdir / "gone"), "manifest_sha256": "0" * 64}
        (workdir / "config.json").write_text(json.dumps(settings))
        state = {"step": 7, "best": {"best_step": 7}}
        checkpoint.save(workdir / "checkpoints", 7, {"model": weights}, state)
        return workdir

    return write


@pytest.fixture(scope="session", name="write_dataset")
def write_dataset_fixture() -> Callable[..., pathlib.Path]:
    """Writes small datasets, in the order given."""
    return write_dataset


def write_dataset(
    data_dir, splits, tasks=("label",), task_type="binary", rows=None, strands="online", shift_bp=0
):
    """Writes `{split: (sequences, targets [N, T], weight [N, T] or None)}`."""
    data_dir.mkdir(parents=True)
    length = len(next(iter(splits.values()))[0][0])
    features = [
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (sequence.packed_width(length),), bases=length),
        Feature("targets", "float32", (len(tasks),)),
    ]
    if any(weight is not None for _, _, weight in splits.values()):
        features.append(Feature("weight", "float32", (len(tasks),)))
    schema = Schema(tuple(features))
    shards = {}
    for split, (sequences, targets, weight) in splits.items():
        targets = np.asarray(targets, np.float32).reshape(len(sequences), len(tasks))
        columns = {
            "row": np.arange(len(sequences)) if rows is None else np.asarray(rows, np.int64),
            "sequence": sequence.encode(sequences, length),
            "targets": targets,
        }
        if "weight" in schema:
            columns["weight"] = np.asarray(np.ones_like(targets) if weight is None else weight)
            columns["weight"] = columns["weight"].astype(np.float32).reshape(targets.shape)
        with ShardWriter(data_dir / shard_file("small", split, 0, 1), schema) as writer:
            writer.write(columns)
        shards[split] = (writer.shard,)
    built = {"reverse_complement": strands, "shift_bp": shift_bp}
    manifest = Manifest("small", schema, shards, tuple(tasks), task_type, **built)
    manifest.save(data_dir)
    return data_dir
