"""What a masked language model expects at a base that it is not shown, averaged over both strands.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`; logarithms of the probabilities of
A, C, G, T, `[N, 4]`, in nats.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from genokeras.evaluation.predictor import BATCH_SIZE, uses_jit
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import is_strand_blind, turns_strands
from genokeras.training.devices import Devices, here, rounded_up
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

_N = 15


class HiddenBases:
    """Hides single bases from a masked language model, in batches of one fixed shape.

    With `averages_strands` logarithms are means over those of both strands.
    """

    def __init__(
        self,
        model: keras.Model | Callable[[Any], Any],
        spec: Spec,
        *,
        batch_size: int = BATCH_SIZE,
        averages_strands: bool = True,
        jit: bool = False,
        devices: Devices | None = None,
    ):
        devices = devices or here("single")
        self.spec, self.batch_size = spec, rounded_up(batch_size, devices)
        self._averages_strands = averages_strands
        self._forward = devices.forward(model, lambda batch: _at_hidden(model, batch), jit)

    @classmethod
    def load(
        cls,
        run: Run,
        checkpoint: str | int = "best",
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
        strategy: str = "auto",
    ) -> "HiddenBases":
        """Returns that of a run's checkpoint; the options are those of `Predictor.load`.

        Raises:
            InputError: The run's model is no masked language model, or it never had a base hidden.
        """
        if not is_masked_model(run):
            raise InputError(
                f"{run.workdir}: the model {run.model_name} has no probabilities of bases; those "
                "of --model=mlm have"
            )
        if not run.config.actions[0]:
            raise InputError(
                f"{run.workdir}: with corruption={run.config.corruption} no base was ever hidden "
                "from this model, so what it says of hidden bases means nothing; train one with "
                "corruption=mask or mixed"
            )
        if reverse_complement is None:
            reverse_complement = turns_strands(run.config) and not run.spec.stranded
        devices = here(strategy)
        with devices.scope():
            model = run.model(checkpoint)
        return cls(
            model,
            run.spec,
            batch_size=batch_size,
            averages_strands=reverse_complement and not is_strand_blind(run.config, run.spec),
            jit=uses_jit(run),
            devices=devices,
        )

    def log_probabilities(self, packed: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Returns what the model expects at base `place` of each sequence, int `[N]`."""
        starts = range(0, len(packed), self.batch_size)
        cuts = [slice(start, start + self.batch_size) for start in starts]
        parts = [self._both_strands(packed[cut], place[cut]) for cut in cuts]
        return np.concatenate(parts or [np.zeros((0, 4), np.float32)])

    def pseudo_log_likelihood(self, packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the sum over bases of the logarithm of the probability of each, and their number.

        Each base is hidden in turn, so a sequence costs as many predictions as it has bases. N and
        padding are no bases. Shapes: float64 `[N]`, nats; int64 `[N]`.
        """
        bases = sequence.kmer_ids(packed, self.spec.length, 1)
        row, place = np.nonzero(bases >= 0)
        total = np.zeros(len(packed))
        for start in range(0, len(row), self.batch_size):
            cut = slice(start, start + self.batch_size)
            found = self._both_strands(packed[row[cut]], place[cut])
            of_base = found[np.arange(len(found)), bases[row[cut], place[cut]]]
            np.add.at(total, row[cut], of_base)
        return total, np.bincount(row, minlength=len(packed))

    def _both_strands(self, packed: np.ndarray, place: np.ndarray) -> np.ndarray:
        found = self._forward_padded(packed, place)
        if not self._averages_strands:
            return found
        length = self.spec.length
        opposite = sequence.reverse_complement(packed, length)
        return (found + self._forward_padded(opposite, length - 1 - place)[:, ::-1]) / 2

    def _forward_padded(self, packed: np.ndarray, place: np.ndarray) -> np.ndarray:
        missing = self.batch_size - len(packed)
        packed = np.pad(packed, ((0, missing), (0, 0)))
        place = np.pad(place, (0, missing)).astype(np.int32)
        found = self._forward({"sequence": packed, "place": place})
        return found[: self.batch_size - missing]


def _at_hidden(model: Callable[[Any], Any], batch: dict[str, Any]) -> Any:
    """Returns what the model says of sequences of which one base is hidden, at that base only."""
    nibbles = unpack_nibbles(batch["sequence"])
    places = ops.arange(nibbles.shape[1], dtype="int32")
    is_hidden = ops.equal(places, ops.expand_dims(batch["place"], 1))
    logits = model(pack_nibbles(ops.where(is_hidden, _N, nibbles)), training=False)
    is_hidden = ops.cast(is_hidden[:, : logits.shape[1], None], logits.dtype)
    return ops.log_softmax(ops.sum(logits * is_hidden, axis=1))


def is_masked_model(run: Run) -> bool:
    """Whether the model of a run tells hidden bases."""
    return run.model_name == "mlm"
