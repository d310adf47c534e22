"""Training examples varied in ways that leave their labels alone, on the device.

A model's `Config` inherits from `Augmentation`, which is off unless its presets say otherwise, and
so every change can be set like the sizes of the network. Everything is drawn from an example's key:
what happens to it does not depend on its batch, and one change does not depend on another.
"""

import dataclasses
from typing import Any, Literal

from genokeras.config import require_at_least, require_rates
from genokeras.layers.insert_motif import MOTIF, insert_motif
from genokeras.layers.mask_spans import mask_spans
from genokeras.layers.redraw_bases import UNIFORM, redraw_bases
from genokeras.layers.shift_window import MAX_SHIFT_BP, centre_window, shift_window
from genokeras.models.spec import Spec
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Which changes are made, in this order; `genokeras.layers` says how each is drawn."""

    max_shift_bp: int | None = None  # Largest shift of the window; none: all that is stored.
    mutation_rate: float = 0.0  # Share of bases drawn anew; one uniform draw in four changes none.
    mutation_bases: Literal["uniform", "composition"] = "uniform"  # All alike, or as in training.
    insert_motifs: tuple[str, ...] = ()  # Motifs (IUPAC) that say nothing of the label.
    insert_rate: float = 0.0  # Share of examples that one of them is written into.
    mask_rate: float = 0.0  # Share of bases that become N; see ambiguous.
    mask_span_bp: int = 1  # Length of what is masked at a time.

    def __post_init__(self):
        require_rates(self, "mutation_rate", "insert_rate", "mask_rate")
        require_at_least(self, 1, "mask_span_bp")
        if self.max_shift_bp is not None:
            require_at_least(self, 0, "max_shift_bp")
        if bool(self.insert_motifs) != bool(self.insert_rate):
            raise InputError(
                f"insert_motifs={','.join(self.insert_motifs)} and insert_rate={self.insert_rate:g}"
                ": one without the other does nothing, give both"
            )
        for motif in self.insert_motifs:
            if not MOTIF.fullmatch(motif):
                raise InputError(f"insert_motifs must be words of IUPAC codes, got {motif!r}")


def check(config: Augmentation, spec: Spec) -> None:
    """Raises `InputError` if the data do not allow what is set."""
    most, longest = config.max_shift_bp, max(map(len, config.insert_motifs), default=0)
    if most is not None and most > spec.shift_bp:
        raise InputError(
            f"max_shift_bp={most}, but the dataset stores {spec.shift_bp} bp beside its windows; "
            f"build it with --shift_bp={most}"
        )
    if most is None and spec.shift_bp > MAX_SHIFT_BP:
        raise InputError(
            f"the dataset stores {spec.shift_bp} bp beside its windows, more than a window can be "
            f"shifted by: set max_shift_bp, at most {MAX_SHIFT_BP}"
        )
    for name, size in (("insert_motifs", longest), ("mask_span_bp", config.mask_span_bp)):
        if size > spec.length:
            raise InputError(f"{name}: {size} bp do not fit into windows of {spec.length} bp")
    if config.mutation_bases == "composition" and not spec.base_composition:
        raise InputError(
            "mutation_bases=composition, but the dataset's manifest does not say what its bases "
            "are; use mutation_bases=uniform"
        )


def augment(
    config: Augmentation, spec: Spec, batch: dict[str, Any], training: bool
) -> dict[str, Any]:
    """Returns the batch with what a network reads of it; fit to be the `prepare` of a model."""
    packed = batch["sequence"]
    if not training:
        return batch | {"sequence": centre_window(packed, spec.length, spec.shift_bp)}
    keys = batch["key"]
    packed = shift_window(packed, keys, spec.length, spec.shift_bp, config.max_shift_bp)
    packed = redraw_bases(packed, keys, config.mutation_rate, shares(config, spec))
    packed = insert_motif(packed, keys, config.insert_motifs, config.insert_rate)
    packed = mask_spans(packed, keys, config.mask_rate, config.mask_span_bp)
    return batch | {"sequence": packed}


def shares(config: Augmentation, spec: Spec) -> tuple[float, ...]:
    """Returns those of A, C, G, T among what mutations draw."""
    if config.mutation_bases == "uniform":
        return UNIFORM
    a, c, g, t = spec.base_composition
    if spec.stranded:
        return a, c, g, t
    # Any example may be turned to its opposite strand before.
    return (a + t) / 2, (c + g) / 2, (c + g) / 2, (a + t) / 2
