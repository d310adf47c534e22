"""Features of all splits on one scale, which is that of the training split.

Shapes: `N` windows, `F` features.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from genokeras.evaluation.linear_fit import Matrix
from genokeras.probing.encoders import Encoder
from genokeras.probing.labelled_data import LabelledData, Part

_ROWS = 4096  # Of what is computed in float64 at a time.


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is taken off features and what they are then divided by, float32 `[F]`."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Scale":
        """Returns mean and standard deviation; features that do not vary are divided by 1."""
        mean = features.mean(axis=0, dtype=np.float64)
        squares = np.zeros_like(mean)
        for start in range(0, len(features), _ROWS):
            squares += np.square(features[start : start + _ROWS] - mean).sum(axis=0)
        deviation = np.sqrt(squares / len(features))
        varies = deviation > 1e-6 * np.abs(mean)
        return cls(mean.astype(np.float32), np.where(varies, deviation, 1).astype(np.float32))

    def apply(self, features: np.ndarray) -> None:
        """Changes features in their place."""
        features -= self.mean
        features /= self.deviation


@dataclasses.dataclass(frozen=True)
class Features:
    """Those of an encoder, `[N, F]` by split; sparse ones are counts, which keep their scale."""

    encoder: Encoder
    parts: Mapping[str, Matrix]
    scale: Scale | None

    @classmethod
    def read(
        cls, encoder: Encoder, data: LabelledData, progress: Callable | None = None
    ) -> "Features":
        """Reads the features of all windows, and brings embeddings to scale."""
        parts = {name: encoder.read(part, None, progress) for name, part in data.parts.items()}
        if not encoder.is_network:
            return cls(encoder, parts, None)
        scale = Scale.of(parts["train"])
        for features in parts.values():
            scale.apply(features)
        return cls(encoder, parts, scale)

    @property
    def dimensions(self) -> int:
        """How many features there are."""
        return self.parts["train"].shape[1]

    def of_strands(self, part: Part, turned: np.ndarray) -> np.ndarray:
        """Returns the embeddings, to scale, of windows of which some are turned."""
        features = self.encoder.read(part, turned)
        self.scale.apply(features)
        return features
