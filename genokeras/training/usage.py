"""What a run makes of its devices: FLOP/s, their share of what is possible, memory."""

import math
from collections.abc import Mapping
from typing import Any

from genokeras.training.accelerators import peak_flops
from genokeras.training.devices import Devices, Engine
from genokeras.training.train_config import TrainConfig


class Usage:
    """Numbers for the training rows of one run.

    FLOPs are those of the matrix products and convolutions of a step, forward and backward.
    """

    def __init__(self, devices: Devices, engine: Engine, training: TrainConfig):
        self._devices, self._engine, self._batch_size = devices, engine, training.batch_size
        peak = peak_flops(devices.kind(), training.precision)
        self._peak = peak and peak * devices.num_replicas
        self._flops: float | None = None

    def count(self, placed: Any) -> None:
        """Counts the FLOPs of a step, once; to be called after `train_steps(placed)`.

        The devices work on the step meanwhile, and what was traced for it is not traced again.
        """
        if self._flops is None:
            self._flops = self._engine.flops_per_step(placed)

    def row(self, measured: Mapping[str, float]) -> dict[str, float]:
        """Returns what is to be told beside `examples_per_second` of what was `measured`.

        That is `flops_per_second`, `mfu` (its share of the peak of all devices, where that is
        known) and `peak_memory_gb` (of 1e9 bytes).
        """
        row = {}
        if "examples_per_second" in measured and self._flops and math.isfinite(self._flops):
            steps_per_second = measured["examples_per_second"] / self._batch_size
            row["flops_per_second"] = self._flops * steps_per_second
            if self._peak:
                row["mfu"] = row["flops_per_second"] / self._peak
        used = self._devices.peak_memory_bytes()
        return row | ({} if used is None else {"peak_memory_gb": used / 1e9})
