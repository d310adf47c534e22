"""Embeddings of a stream of sequences, into a table, or into arrays that NumPy reads.

Shapes: `N` sequences, embeddings float32 `[N, D]`.
"""

import os
import pathlib
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from genokeras.evaluation import output_file
from genokeras.evaluation.embedder import Embedder
from genokeras.evaluation.predict import write_columns
from genokeras.training.prefetch import Prefetch
from genokeras.training.workdir import Run
from tfrecords.errors import InputError
from tfrecords.files import replacing


def write_embeddings(
    run: Run,
    batches: Iterable[Mapping[str, Any]],
    output: str | os.PathLike,
    *,
    checkpoint: str | int = "best",
    **options: Any,
) -> int:
    """Writes the embeddings of a stream of sequences; they are never all in memory.

    Args:
      run: The run whose model embeds.
      batches: As of `predict.write_predictions`.
      output: A table, gzip if it ends in .gz, with the columns `embedding_0`, `embedding_1` and so
        on; or NAME.npz, of `embeddings` and an array for each other column, `names` of `name`.
      checkpoint: `best`, `last` or a step.
      **options: Those of `Embedder.load`.

    Returns:
      The number of rows.

    Raises:
      InputError: As of `predict.write_predictions`.
    """
    path = output_file.check(output)
    embedder = Embedder.load(run, checkpoint, **options)
    if path.suffix == ".npz":
        return _write_arrays(embedder, batches, path)

    def columns_of(packed: np.ndarray) -> dict[str, np.ndarray]:
        columns = embedder.embed(packed).T
        return {f"embedding_{number}": column for number, column in enumerate(columns)}

    return write_columns(batches, path, columns_of)


def _write_arrays(
    embedder: Embedder, batches: Iterable[Mapping[str, Any]], path: pathlib.Path
) -> int:
    columns: dict[str, list[np.ndarray]] = {}
    with (
        Prefetch(iter(batches), place=lambda batch: batch) as stream,
        # The header of an array says how many rows it has, and comes first.
        tempfile.TemporaryFile(dir=path.parent) as raw,
    ):
        for batch in stream:
            raw.write(embedder.embed(batch["sequence"]).tobytes())
            for name, values in batch.items():
                if name != "sequence":
                    columns.setdefault(f"{name}s", []).append(np.asarray(values))
        shape = raw.tell() // (4 * embedder.dimensions), embedder.dimensions
        if not shape[0]:
            raise InputError(f"{path}: not written, there are no sequences to predict")
        raw.flush()
        arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
        with replacing(path) as partial:
            np.savez(partial, **arrays, embeddings=np.memmap(raw, np.float32, "r", shape=shape))
    return shape[0]
