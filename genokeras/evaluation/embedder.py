"""A trained model as a function from packed sequences to embeddings, averaged over their strands.

Nothing is learnt here: dropout is off, the statistics of batch norm are those of training, and
weights stay as they are.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`; embeddings float32 `[N, D]`.
"""

import keras
import numpy as np

from genokeras.evaluation.predictor import BATCH_SIZE, Predictor, uses_jit
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import is_strand_blind, turns_strands
from genokeras.training import precision
from genokeras.training.devices import Devices, here
from genokeras.training.seeded import seeded
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError


class Embedder:
    """Computes embeddings in batches of one fixed shape, so that the model is compiled once.

    With `reverse_complement` they are the mean over both strands, the same for a sequence and its
    reverse complement. None: so it is unless the data are stranded. `is_strand_blind`: the model
    does that by itself, whatever is asked for. The attribute `reverse_complement` says how it is.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: Spec,
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
        is_strand_blind: bool = False,
        jit: bool = False,
        devices: Devices | None = None,
    ):
        self.spec, self.dimensions = spec, model.output.shape[-1]
        is_averaged = not spec.stranded if reverse_complement is None else reverse_complement
        self.reverse_complement = is_averaged or is_strand_blind
        self._adds_opposite = is_averaged and not is_strand_blind
        given = {"reverse_complement": False, "batch_size": batch_size, "jit": jit}
        self._forward = Predictor(model, spec, devices=devices, **given)

    @classmethod
    def load(
        cls,
        run: Run,
        checkpoint: str | int = "best",
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
        strategy: str = "auto",
    ) -> "Embedder":
        """Returns the embedder of a run's checkpoint; the options are those of `Predictor.load`."""
        devices = here(strategy)
        with devices.scope():
            model = run.model(checkpoint)
        return cls._of(run, model, batch_size, reverse_complement, devices)

    @classmethod
    def untrained(
        cls,
        run: Run,
        seed: int,
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
    ) -> "Embedder":
        """Returns the embedder of a model like the run's with the random weights of a seed."""
        devices = here()
        with precision.scope(run.training.precision), seeded(seed), devices.scope():
            model = run.model_module.build(run.config, run.spec)
        return cls._of(run, model, batch_size, reverse_complement, devices)

    @classmethod
    def _of(
        cls,
        run: Run,
        model: keras.Model,
        batch_size: int,
        reverse_complement: bool | None,
        devices: Devices,
    ) -> "Embedder":
        if reverse_complement is None and not turns_strands(run.config):
            reverse_complement = False
        with devices.scope():
            embedding = run.model_module.embedding(run.config, model)
        return cls(
            embedding,
            run.spec,
            batch_size=batch_size,
            reverse_complement=reverse_complement,
            is_strand_blind=is_strand_blind(run.config, run.spec),
            jit=uses_jit(run),
            devices=devices,
        )

    def embed(self, packed: np.ndarray) -> np.ndarray:
        """Returns the embeddings `[N, D]` of packed sequences.

        Raises:
            InputError: They are of another length, or an embedding is not finite.
        """
        found = self._forward.logits(packed)
        if not len(packed):
            return np.zeros((0, self.dimensions), np.float32)
        if self._adds_opposite:
            opposite = sequence.reverse_complement(packed, self.spec.length)
            found = (found + self._forward.logits(opposite)) / 2
        if not np.isfinite(found).all():
            raise InputError(
                "embeddings are not finite: this model has not been trained well; use another "
                "checkpoint"
            )
        return found.astype(np.float32, copy=False)


def check_length(run: Run, length: int) -> None:
    """Raises `InputError` if windows of `length` bp are not what a run's model reads."""
    if length != run.spec.length:
        raise InputError(
            f"windows of {length} bp, but the model of {run.workdir} reads {run.spec.length} bp: "
            f"build the dataset with windows of {run.spec.length} bp, or name another run"
        )
