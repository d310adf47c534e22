"""What a probe is told; loads no Keras, so that what is mistyped need not wait for it."""

import dataclasses

from genokeras.probing.label_order import check_fractions
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a probe is told.

    Attributes:
        fractions: Shares of the labels that are given; smaller ones are parts of larger ones.
        draws: How many times labels are drawn, where they are not all.
        nuisances: What else is read from embeddings: `gc`, `chromosome`, `strand`, or a number per
            window that the dataset has, as a task `batch`, which then is no task.
        noise: Sizes of noise, in standard deviations of embeddings, for bounds on I(Z; X).
        checkpoint: `best`, `last` or a step.
        reverse_complement: Whether embeddings are averaged over both strands; default: yes, unless
            labels are of one strand, or the run never turned its examples.
        num_bootstrap: Resamples behind the 95% intervals; 0 leaves these out.
        batch_size: Windows embedded at a time.
        seed: Of draws, resamples and random weights.
        max_windows: Of larger splits so many are used, more than linear models gain from.
    """

    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)
    draws: int = 5
    nuisances: tuple[str, ...] = ()
    noise: tuple[float, ...] = ()
    checkpoint: str | int = "best"
    reverse_complement: bool | None = None
    num_bootstrap: int = 1000
    batch_size: int = 256
    seed: int = 0
    max_windows: int = 200_000

    def __post_init__(self):
        check_fractions(self.fractions)
        for name in ("draws", "batch_size", "max_windows"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}, expected at least 1")
        for noise in self.noise:
            if not noise > 0:
                raise InputError(f"noise={noise:g}, expected more than 0: without, it has no bound")
