"""Distributions of a model's weights, and of what one training step changes in them."""

from collections.abc import Callable, Mapping

import numpy as np

from genokeras.training import events


class Histograms:
    """Watches the trainable weights of a model, which `weights()` returns by name.

    An update is the change made by the very step that is evaluated: so it is a function of the
    step, however often a run was killed before.
    """

    def __init__(self, weights: Callable[[], Mapping[str, np.ndarray]]):
        self._weights = weights
        self._before: Mapping[str, np.ndarray] = {}

    def before_step(self) -> None:
        """Takes down the weights; to be called before a step that will be evaluated."""
        self._before = self._weights()

    def values(self) -> list[events.Value]:
        """Returns the weights as `weights/NAME`, what the step has changed as `updates/NAME`."""
        now = self._weights()
        weights = [events.histogram(f"weights/{name}", x) for name, x in now.items()]
        changes = ((name, now[name] - x) for name, x in self._before.items())
        return weights + [events.histogram(f"updates/{name}", x) for name, x in changes]
