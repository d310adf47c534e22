"""Small datasets with a known answer, made with the writer itself."""

import contextlib
import pathlib
import resource
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

WINDOW_BP = 40
MOTIF = "TGACTCA"
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def _planted(num_examples: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.choice(list("ACGT"), (2 * num_examples, WINDOW_BP))
    texts = ["".join(row) for row in rows]
    opposite = MOTIF.translate(COMPLEMENT)[::-1]
    texts = [text for text in texts if MOTIF not in text and opposite not in text][:num_examples]
    targets = np.arange(num_examples) % 2
    for row in np.flatnonzero(targets):
        at = rng.integers(WINDOW_BP - len(MOTIF))
        text = texts[row][:at] + MOTIF + texts[row][at + len(MOTIF) :]
        texts[row] = text if rng.random() < 0.5 else text.translate(COMPLEMENT)[::-1]
    return texts, targets[:, None].astype(np.float32)


def _write_dataset(
    data_dir: pathlib.Path,
    texts: list[str],
    targets: np.ndarray,
    weight: np.ndarray | None = None,
    splits: dict[str, int] | None = None,
    task_type: str = "binary",
    shift_bp: int = 0,
) -> pathlib.Path:
    length, num_tasks = len(texts[0]), targets.shape[1]
    columns = {
        "row": np.arange(len(texts), dtype=np.int64),
        "sequence": sequence.encode(texts, length),
        "targets": targets.astype(np.float32),
    }
    features = [
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (sequence.packed_width(length),), bases=length),
        Feature("targets", "float32", (num_tasks,)),
    ]
    if weight is not None:
        columns["weight"] = weight.astype(np.float32)
        features.append(Feature("weight", "float32", (num_tasks,)))
    schema = Schema(tuple(sorted(features, key=lambda feature: feature.name)))
    data_dir.mkdir(parents=True)
    shards, start = {}, 0
    for split, size in (splits or {"train": len(texts)}).items():
        rows = slice(start, start + size)
        path = data_dir / shard_file("planted", split, 0, 1)
        with ShardWriter(path, schema) as writer:
            writer.write({name: values[rows] for name, values in columns.items()})
        shards[split], start = (writer.shard,), start + size
    tasks = ("bound",) if num_tasks == 1 else tuple(f"task_{t}" for t in range(num_tasks))
    described = {"schema": schema, "splits": shards, "tasks": tasks, "task_type": task_type}
    Manifest(name="planted", **described, shift_bp=shift_bp).save(data_dir)
    return data_dir


@pytest.fixture(scope="session")
def planted() -> Callable[..., tuple[list[str], np.ndarray]]:
    """Makes random DNA and targets; positives hold `MOTIF`, negatives on neither strand."""
    return _planted


@pytest.fixture(scope="session")
def write_dataset() -> Callable[..., pathlib.Path]:
    """Writes a dataset whose splits are consecutive rows, `splits[name]` of them each."""
    return _write_dataset


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> pathlib.Path:
    """300 training and 100 validation examples of 40 bp."""
    folder = tmp_path_factory.mktemp("planted") / "data"
    return _write_dataset(folder, *_planted(400), splits={"train": 300, "valid": 100})


@contextlib.contextmanager
def _file_size_limit(most_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def file_size_limit() -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """Within it no file of this process can grow beyond so many bytes, as on a full disk."""
    return _file_size_limit
