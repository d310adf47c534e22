"""A second view of an example, as contrastive learning compares: varied, but of the same meaning.

A model's `Config` inherits from `ViewAugmentation`. All is drawn from an example's key. What is
varied is what is stored, with its flanks, before a window is cut out of it: so what a deletion
brings in, and a shift, are bases of the genome.
"""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from genokeras import augmentation
from genokeras.augmentation import Augmentation
from genokeras.config import require_at_least, require_rates
from genokeras.layers.insert_motif import insert_motif
from genokeras.layers.mask_spans import mask_spans
from genokeras.layers.one_hot import pack_nibbles, unpack_nibbles
from genokeras.layers.rearrange import rearrange
from genokeras.layers.redraw_bases import redraw_bases
from genokeras.layers.shift_window import shift_window
from genokeras.layers.turn_strand import turn_strand
from genokeras.models.spec import Spec
from tfrecords.errors import InputError

MAX_EVENT_BP = 65536  # So that a length can be told by 16 bits.
EVENTS = ("deletion", "insertion", "inversion", "translocation")


@dataclasses.dataclass(frozen=True)
class ViewAugmentation(Augmentation):
    """What may change from one view to the other, in this order but for shifts: these come last.

    Then the strand is turned.
    """

    deletion_rate: float = 0.0  # Share of views with a deletion.
    insertion_rate: float = 0.0  # Of those with an insertion of random bases.
    inversion_rate: float = 0.0  # Of those with a stretch on the opposite strand.
    translocation_rate: float = 0.0  # Of those whose two parts have changed places.
    event_bp: int = 20  # Longest deletion, insertion, inversion.
    reverse_complement_rate: float = 0.5  # Share of views that are of the opposite strand.
    noise: float = 0.0  # Standard deviation of noise on the one-hot matrix.
    keep_bp: tuple[int, ...] = ()  # Begin, end, begin, end, ... in the window: never varied.

    def __post_init__(self):
        super().__post_init__()
        require_rates(self, *(f"{event}_rate" for event in EVENTS))
        require_at_least(self, 0, "noise")
        require_at_least(self, 1, "event_bp")
        if self.event_bp > MAX_EVENT_BP:
            raise InputError(f"event_bp must be at most {MAX_EVENT_BP}, got {self.event_bp}")
        if not 0 <= self.reverse_complement_rate <= 1:
            raise InputError(
                f"reverse_complement_rate must be in [0, 1], got {self.reverse_complement_rate}"
            )
        pairs = list(zip(self.keep_bp[::2], self.keep_bp[1::2], strict=False))
        if len(self.keep_bp) % 2 or any(not 0 <= begin < end for begin, end in pairs):
            given = ",".join(map(str, self.keep_bp))
            raise InputError(f"keep_bp must be begin,end of intervals, begin < end, got {given}")

    @property
    def changes_bases(self) -> bool:
        """Whether views differ by anything but the strand."""
        rates = [getattr(self, f"{event}_rate") for event in EVENTS]
        return any([*rates, self.mutation_rate, self.insert_rate, self.mask_rate, self.noise])


def check(config: ViewAugmentation, spec: Spec) -> None:
    """Raises `InputError` if the data do not allow what is set."""
    augmentation.check(config, spec)
    if config.event_bp > spec.length:
        raise InputError(
            f"event_bp={config.event_bp} does not fit into windows of {spec.length} bp"
        )
    if max(config.keep_bp, default=0) > spec.length:
        raise InputError(f"keep_bp ends at {max(config.keep_bp)}, windows at {spec.length}")


def vary(config: ViewAugmentation, spec: Spec, stored: Any, keys: Any) -> tuple[Any, Any]:
    """Returns views of stored sequences, and which share of each one's bases has mutated.

    The latter is measured: a draw may be the base that was there. Shapes: packed uint8 `[B, W]`
    with `spec.shift_bp` more at either end, keys uint32 `[B]`; windows uint8 `[B, ceil(L/2)]`,
    float32 `[B]`.
    """
    keep = _kept(config, spec, 2 * stored.shape[1])
    mutated = redraw_bases(stored, keys, config.mutation_rate, augmentation.shares(config, spec))
    mutated = _restored(mutated, stored, keep)
    changed = _share_changed(stored, mutated)
    view = mutated
    for event in EVENTS:
        rate = getattr(config, f"{event}_rate")
        view = rearrange(view, keys, event, rate, config.event_bp, keep)
    before = view
    view = insert_motif(view, keys, config.insert_motifs, config.insert_rate)
    view = mask_spans(view, keys, config.mask_rate, config.mask_span_bp)
    view = _restored(view, before, keep)
    view = shift_window(view, keys, spec.length, spec.shift_bp, config.max_shift_bp)
    return turn_strand(view, keys, spec.length, config.reverse_complement_rate), changed


def _kept(config: ViewAugmentation, spec: Spec, size: int) -> np.ndarray | None:
    """Returns bool `[size]` over stored bases; None if nothing is kept."""
    if not config.keep_bp:
        return None
    kept = np.zeros(size, bool)
    for begin, end in zip(config.keep_bp[::2], config.keep_bp[1::2], strict=True):
        kept[spec.shift_bp + begin : spec.shift_bp + end] = True
    return kept


def _restored(view: Any, before: Any, keep: np.ndarray | None) -> Any:
    if keep is None:
        return view
    return pack_nibbles(ops.where(keep, unpack_nibbles(before), unpack_nibbles(view)))


def _share_changed(before: Any, view: Any) -> Any:
    bases, drawn = unpack_nibbles(before), unpack_nibbles(view)
    is_changed = ops.cast(ops.not_equal(bases, drawn), "float32")
    is_base = ops.cast(ops.not_equal(bases, 0), "float32")
    return ops.sum(is_changed, axis=1) / ops.maximum(ops.sum(is_base, axis=1), 1)
