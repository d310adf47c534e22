"""Predictions of a trained model: for arrays, for texts, and for streams of any length.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`; `T` tasks; logits `[N, T]`, the
predictions themselves where the task is a regression.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from genokeras.evaluation import output_file, prediction_table
from genokeras.evaluation.scores import probability
from genokeras.models.spec import Spec
from genokeras.training.prefetch import Prefetch
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

BATCH_SIZE = 256
# Of the sequences that are read, packed and written at a time.
_MAX_BATCHES = 4
_MAX_BASES = 1 << 23


class Predictor:
    """Computes logits in batches of one fixed shape, so that the model is compiled once.

    With `reverse_complement` they are the mean over both strands, the same for a sequence and its
    reverse complement; the opposite strand's have the tasks of `spec.strand_pairs` swapped first.
    None: so it is unless the data are stranded. `is_strand_blind`: the model does that by itself.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: Spec,
        *,
        prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
        is_strand_blind: bool = False,
        jit: bool = False,
    ):
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}, expected at least 1")
        self.spec, self.batch_size = spec, batch_size
        self.reverse_complement = (
            not spec.stranded if reverse_complement is None else reverse_complement
        )
        self._adds_opposite = self.reverse_complement and not is_strand_blind
        self._forward = _Forward(model, prepare)
        self._forward.compile(jit_compile=jit)

    @classmethod
    def load(
        cls,
        run: Run,
        checkpoint: str | int = "best",
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
    ) -> "Predictor":
        """Returns the predictor of a run's checkpoint: `best`, `last` or a step."""
        module, windows = run.model_module, run.spec.without_flanks()
        return cls(
            run.model(checkpoint),
            run.spec,
            prepare=lambda batch: module.prepare(run.config, windows, batch, training=False),
            batch_size=batch_size,
            reverse_complement=reverse_complement,
            is_strand_blind=averages_strands(run.config, run.spec),
            jit=run.training.jit == "on" or (run.training.jit == "auto" and has_accelerator()),
        )

    def logits(self, packed: np.ndarray) -> np.ndarray:
        """Returns the logits `[N, T]` of packed sequences, in the precision of the model."""
        if packed.dtype != np.uint8 or packed.shape[1:] != (self.spec.packed_width,):
            raise InputError(
                f"got packed sequences {packed.dtype}{packed.shape}, expected uint8(N, "
                f"{self.spec.packed_width}): {self.spec.length} bp as sequence.encode packs them"
            )
        starts = range(0, len(packed), self.batch_size)
        parts = [self._batch(packed[start : start + self.batch_size]) for start in starts]
        return np.concatenate(parts or [np.zeros((0, self.spec.num_tasks), np.float32)])

    def _batch(self, packed: np.ndarray) -> np.ndarray:
        size = len(packed)
        if size < self.batch_size:
            padding = np.zeros((self.batch_size - size, packed.shape[1]), np.uint8)
            packed = np.concatenate([packed, padding])
        logits = self._forward.predict_on_batch(packed)
        if self._adds_opposite:
            opposite = sequence.reverse_complement(packed, self.spec.length)
            pairs = self.spec.strand_pairs or range(self.spec.num_tasks)
            logits = (logits + self._forward.predict_on_batch(opposite)[:, list(pairs)]) / 2
        return logits[:size]


class _Forward(keras.Model):
    """The model with what it does to a batch before, as one function of packed sequences."""

    def __init__(self, model: keras.Model, prepare: Callable | None):
        super().__init__(name="forward")
        self._model, self._prepare = model, prepare

    def call(self, packed):
        batch = {"sequence": packed}
        if self._prepare is not None:
            batch = self._prepare(batch)
        return self._model(batch["sequence"], training=False)


def averages_strands(config: Any, spec: Spec) -> bool:
    """Whether a model averages over both strands by itself.

    Doing so once more would take twice as long and change nothing.
    """
    return getattr(config, "strands", "one") == "both" and not spec.stranded


def has_accelerator() -> bool:
    """Whether computations run on something other than the CPU."""
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


def predict(run: Run, sequences: Sequence[str], **options: Any) -> np.ndarray:
    """Returns probabilities `[N, T]` (predictions of a regression) for texts of the model's length.

    ```
    run = Run.open("runs/demo/run")
    predict(run, ["ACGT..."])
    ```

    Args:
      run: The run whose model predicts.
      sequences: IUPAC codes in either case, `run.spec.length` letters each; `-` is padding.
      **options: Those of `Predictor.load`.
    """
    predictor = Predictor.load(run, **options)
    logits = predictor.logits(sequence.encode(sequences, run.spec.length))
    return logits if run.spec.task_type == "regression" else probability(logits)


def read_size(spec: Spec, batch_size: int = BATCH_SIZE) -> int:
    """Returns how many sequences to hand to `write_predictions` at a time: some whole batches."""
    return batch_size * min(_MAX_BATCHES, max(1, _MAX_BASES // (spec.length * batch_size)))


def write_predictions(
    run: Run,
    batches: Iterable[Mapping[str, Any]],
    output: str | os.PathLike,
    *,
    checkpoint: str | int = "best",
    reverse_complement: bool | None = None,
    batch_size: int = BATCH_SIZE,
) -> int:
    """Predicts a stream of sequences into a table; memory does not grow with their number.

    Args:
      run: The run whose model predicts.
      batches: Columns of equal length, read in a thread of their own. `sequence` is packed; the
        others are written as they are, in front of the predictions. `read_size` says how many
        rows are best.
      output: The table, gzip if it ends in .gz; it appears when it is complete.
      checkpoint: `best`, `last` or a step.
      reverse_complement: Whether to average over both strands; default: unless data are stranded.
      batch_size: Sequences that the model computes at a time.

    Returns:
      The number of rows.

    Raises:
      InputError: The output's folder is missing, there is no such checkpoint, or no sequence.
    """
    output = output_file.check(output)
    options = {"batch_size": batch_size, "reverse_complement": reverse_complement}
    predictor = Predictor.load(run, checkpoint, **options)
    num_rows = 0
    with Prefetch(iter(batches), place=lambda batch: batch) as stream:
        first = next(stream, None)
        if first is None:
            raise InputError(f"{output}: not written, there are no sequences to predict")
        with output_file.open_text(output) as file:
            for batch in itertools.chain([first], stream):
                columns = {name: values for name, values in batch.items() if name != "sequence"}
                logits = predictor.logits(batch["sequence"])
                columns |= prediction_table.prediction_columns(run.spec, logits)
                prediction_table.write_rows(file, columns, with_header=num_rows == 0)
                num_rows += len(logits)
    return num_rows
