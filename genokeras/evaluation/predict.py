"""Predictions of trained models: for texts, and for streams of any length.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`; `T` tasks; logits `[N, T]`, the
predictions themselves where the task is a regression.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation import output_file, prediction_table
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.hidden_bases import HiddenBases
from genokeras.evaluation.predictor import BATCH_SIZE
from genokeras.evaluation.scores import probability
from genokeras.evaluation.self_supervised import is_self_supervised
from genokeras.models.spec import Spec
from genokeras.training.prefetch import Prefetch
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

# Of the sequences that are read, packed and written at a time.
_MAX_BATCHES = 4
_MAX_BASES = 1 << 23


def predict(
    runs: Run | Sequence[Run],
    sequences: Sequence[str],
    checkpoint: str | int = "best",
    **options: Any,
) -> np.ndarray:
    """Returns probabilities `[N, T]` for texts of the model's length.

    Of a regression these are predictions, of coverage `[N, bins, T]` in the unit of the data.

    ```
    run = Run.open("runs/demo/run")
    predict(run, ["ACGT..."])
    ```

    Args:
      runs: The run whose model predicts, or several, the mean of whose logits is taken.
      sequences: IUPAC codes in either case, `run.spec.length` letters each; `-` is padding.
      checkpoint: `best`, `last` or a step.
      **options: Those of `Predictor.load`.
    """
    ensemble = Ensemble.load(_with_tasks(runs), checkpoint, **options)
    logits = ensemble.logits(sequence.encode(sequences, ensemble.spec.length))
    return probability(logits) if ensemble.spec.task_type == "binary" else logits


def read_size(spec: Spec, batch_size: int = BATCH_SIZE) -> int:
    """Returns how many sequences to hand to `write_predictions` at a time: some whole batches."""
    return batch_size * min(_MAX_BATCHES, max(1, _MAX_BASES // (spec.length * batch_size)))


def write_predictions(
    runs: Run | Sequence[Run],
    batches: Iterable[Mapping[str, Any]],
    output: str | os.PathLike,
    *,
    checkpoint: str | int = "best",
    reverse_complement: bool | None = None,
    batch_size: int = BATCH_SIZE,
    strategy: str = "auto",
) -> int:
    """Predicts a stream of sequences into a table; memory does not grow with their number.

    Args:
      runs: The run whose model predicts, or several: then the mean of their logits is written, and
        in columns `*_std` the standard deviation over them.
      batches: Columns of equal length, read in a thread of their own. `sequence` is packed; the
        others are written as they are, in front of the predictions. `read_size` says how many
        rows are best.
      output: The table, gzip if it ends in .gz; it appears when it is complete.
      checkpoint: `best`, `last` or a step.
      reverse_complement: Whether to average over both strands; default: unless data are stranded.
      batch_size: Sequences that the model computes at a time.
      strategy: Which devices of this machine: `single`, `mirrored` (all), or `auto`.

    Returns:
      The number of rows.

    Raises:
      InputError: The output's folder is missing, there is no such checkpoint, or no sequence.
    """
    output_file.check(output)
    for run in _with_tasks(runs):
        if run.spec.task_type == "coverage":
            raise InputError(
                f"{run.workdir}: its model predicts coverage, {run.spec.num_bins} numbers a window "
                "and task, and a table holds one; genokeras.evaluation.predict.predict returns them"
            )
    options = {"batch_size": batch_size, "reverse_complement": reverse_complement}
    options["strategy"] = strategy
    ensemble = Ensemble.load(_with_tasks(runs), checkpoint, **options)

    def columns_of(packed: np.ndarray) -> dict[str, np.ndarray]:
        return prediction_table.prediction_columns(ensemble.spec, ensemble.member_logits(packed))

    return write_columns(batches, output, columns_of)


def write_pseudo_log_likelihoods(
    run: Run,
    batches: Iterable[Mapping[str, Any]],
    output: str | os.PathLike,
    *,
    checkpoint: str | int = "best",
    **options: Any,
) -> int:
    """Writes how likely a masked language model holds each of a stream of sequences.

    Columns: `pseudo_log_likelihood`, the sum over bases, in nats, of the logarithm of what the
    model gives a base that it is not shown; `bases`, how many these are, N and padding not counted;
    and `mean_log_likelihood`, per base. A sequence costs as many predictions as it has bases.

    Args:
      run: Of a masked language model.
      batches: As of `write_predictions`.
      output: Likewise.
      checkpoint: Likewise.
      **options: Those of `HiddenBases.load`.

    Returns:
      The number of rows.

    Raises:
      InputError: As of `write_predictions`, or the run is of another model.
    """
    hidden = HiddenBases.load(run, checkpoint, **options)

    def columns_of(packed: np.ndarray) -> dict[str, np.ndarray]:
        total, bases = hidden.pseudo_log_likelihood(packed)
        mean = np.where(bases > 0, total / np.maximum(bases, 1), np.nan)
        return {"pseudo_log_likelihood": total, "bases": bases, "mean_log_likelihood": mean}

    return write_columns(batches, output, columns_of)


def write_columns(
    batches: Iterable[Mapping[str, Any]],
    output: str | os.PathLike,
    columns_of: Callable[[np.ndarray], Mapping[str, np.ndarray]],
) -> int:
    """Writes what a function makes of the sequences of a stream into a table, a row for each.

    Args:
      batches: As of `write_predictions`.
      output: Likewise.
      columns_of: From packed sequences to columns of as many rows.

    Returns:
      The number of rows.

    Raises:
      InputError: The output's folder is missing, or there is no sequence.
    """
    output, num_rows = output_file.check(output), 0
    with Prefetch(iter(batches), place=lambda batch: batch) as stream:
        first = next(stream, None)
        if first is None:
            raise InputError(f"{output}: not written, there are no sequences to predict")
        with output_file.open_text(output) as file:
            for batch in itertools.chain([first], stream):
                columns = {name: values for name, values in batch.items() if name != "sequence"}
                columns |= columns_of(batch["sequence"])
                prediction_table.write_rows(file, columns, with_header=num_rows == 0)
                num_rows += len(batch["sequence"])
    return num_rows


def _with_tasks(runs: Run | Sequence[Run]) -> Sequence[Run]:
    """Returns the runs as a list, if their models predict something."""
    runs = [runs] if isinstance(runs, Run) else runs
    for run in runs:
        if is_self_supervised(run):
            raise InputError(
                f"{run.workdir}: the model {run.model_name} learned without labels and has no task "
                "to predict; predict with a run of a model that has one, or give --embeddings"
            )
    return runs
