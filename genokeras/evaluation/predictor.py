"""A trained model as a function of packed sequences, averaged over their strands.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`; `T` tasks; logits `[N, T]`, the
predictions themselves where the task is a regression; coverage `[N, bins, T]`.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from genokeras.models.spec import Spec
from genokeras.strand_symmetry import is_strand_blind, turns_strands
from genokeras.training.devices import Devices, here, rounded_up
from genokeras.training.workdir import Run
from tfrecords import sequence, strands
from tfrecords.errors import InputError

BATCH_SIZE = 256


class Predictor:
    """Computes logits in batches of one fixed shape, so that the model is compiled once.

    `devices` share each batch, and `model` was built within their scope; None: one device. A size
    of batches that they do not divide is rounded up.

    With `reverse_complement` they are the mean over both strands, the same for a sequence and its
    reverse complement; the opposite strand's have the tasks of `spec.strand_pairs` swapped first.
    None: so it is unless the data are stranded. `is_strand_blind`: the model does that by itself,
    whatever is asked for. The attribute `reverse_complement` says how it is.
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
        devices: Devices | None = None,
    ):
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size}, expected at least 1")
        devices = devices or here("single")
        self.spec, self.batch_size = spec, rounded_up(batch_size, devices)
        is_averaged = not spec.stranded if reverse_complement is None else reverse_complement
        self.reverse_complement = is_averaged or is_strand_blind
        self._adds_opposite = is_averaged and not is_strand_blind
        prepare = prepare or (lambda batch: batch)

        def compute(batch: dict[str, Any]) -> Any:
            return model(prepare(batch)["sequence"], training=False)

        self._forward = devices.forward(model, compute, jit)

    @classmethod
    def load(
        cls,
        run: Run,
        checkpoint: str | int = "best",
        *,
        batch_size: int = BATCH_SIZE,
        reverse_complement: bool | None = None,
        strategy: str = "auto",
    ) -> "Predictor":
        """Returns the predictor of a run's checkpoint: `best`, `last` or a step.

        `strategy` says on which devices of this machine, as `devices.here` does.
        """
        devices = here(strategy)
        with devices.scope():
            model = run.model(checkpoint)
        module, windows = run.model_module, run.spec.without_flanks()
        if reverse_complement is None and not turns_strands(run.config):
            reverse_complement = False
        return cls(
            model,
            run.spec,
            prepare=lambda batch: module.prepare(run.config, windows, batch, training=False),
            batch_size=batch_size,
            reverse_complement=reverse_complement,
            is_strand_blind=is_strand_blind(run.config, run.spec),
            jit=uses_jit(run),
            devices=devices,
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
        bins = (self.spec.num_bins,) if self.spec.task_type == "coverage" else ()
        return np.concatenate(parts or [np.zeros((0, *bins, self.spec.num_tasks), np.float32)])

    def logits_by_strand(self, packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns logits of the sequences as given, and of their opposite strands, not averaged.

        The latter with the tasks of `spec.strand_pairs` swapped: both are of the same tasks.
        """
        opposite = sequence.reverse_complement(packed, self.spec.length)
        starts = range(0, len(packed), self.batch_size)
        given, turned = (
            np.concatenate([self._forward_padded(x[s : s + self.batch_size]) for s in starts])
            for x in (packed, opposite)
        )
        return given, self._as_given(turned, given)

    def _batch(self, packed: np.ndarray) -> np.ndarray:
        logits = self._forward_padded(packed)
        if self._adds_opposite:
            opposite = sequence.reverse_complement(packed, self.spec.length)
            logits = (logits + self._as_given(self._forward_padded(opposite), logits)) / 2
        return logits

    def _as_given(self, turned: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Turns predictions of opposite strands: tasks swapped, bins backwards, cut sites moved.

        The first base has no cut sites of the opposite strand, but those of the given one.
        """
        cuts = list(self.spec.cut_sites)
        turned = strands.turn_targets(turned, self.spec.strand_pairs, cuts)
        if cuts:
            turned[:, 0, cuts] = given[:, 0, cuts]
        return turned

    def _forward_padded(self, packed: np.ndarray) -> np.ndarray:
        """Returns the logits of up to `batch_size` sequences, always computing that many."""
        size = len(packed)
        if size < self.batch_size:
            padding = np.zeros((self.batch_size - size, packed.shape[1]), np.uint8)
            packed = np.concatenate([packed, padding])
        return self._forward({"sequence": packed})[:size]


def uses_jit(run: Run) -> bool:
    """Whether what a run has trained is compiled with XLA to be computed."""
    return run.training.jit == "on" or (run.training.jit == "auto" and has_accelerator())


def has_accelerator() -> bool:
    """Whether computations run on something other than the CPU."""
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())
