"""What hiding bases of a dataset's own windows hides, and what it gives away, measured."""

import dataclasses

import numpy as np

from genokeras.layers.corrupt import corrupt
from genokeras.layers.redraw_bases import UNIFORM
from genokeras.metrics.leakage import measured_leakage
from genokeras.models import mlm
from genokeras.models.spec import Spec
from tfrecords import sampling, sequence
from tfrecords.reader import Dataset

_MAX_BASES = 2_000_000
_KMERS = (1, 3, 6)
_SEED = 0


@dataclasses.dataclass(frozen=True)
class Corruption:
    """What the corruptions of `mlm` do to windows.

    Attributes:
        num_windows: So many were looked at.
        mask_rate: Share of the bases to predict that was asked for.
        chosen: The share that was, by corruption.
        leakage: What a chosen base shows of the original, in nats, by corruption.
        hidden: Share of the bases that no k-mer tells, by `k`, one from every base on.
        hidden_one_by_one: The same if as many k-mers are masked without regard to bases.
    """

    num_windows: int
    mask_rate: float
    chosen: dict[str, float]
    leakage: dict[str, float]
    hidden: dict[int, float]
    hidden_one_by_one: dict[int, float]


def measure_corruption(dataset: Dataset) -> Corruption:
    """Corrupts windows of the training split in each way, and returns what that does."""
    config, packed = mlm.PRESETS["base"], _windows(dataset)
    length, background = dataset.manifest.window_bp, Spec.from_manifest(dataset.manifest).background
    keys = sampling.example_keys(np.arange(len(packed)), seed=_SEED, epoch=0)
    found = Corruption(len(packed), config.mask_rate, {}, {}, {}, {})
    before, rng = _nibbles(packed, length), np.random.default_rng(_SEED)
    mixed = config.mixed_shares
    for name, actions in (("mask", (1, 0, 0)), ("random", (0, 1, 0)), ("mixed", mixed)):
        arguments = config.mask_rate, config.mask_span_bp, actions, background or UNIFORM
        corrupted, chosen = (np.asarray(x) for x in corrupt(packed, keys, *arguments))
        chosen, after = chosen[:, :length], _nibbles(corrupted, length)
        found.chosen[name] = float(chosen.mean())
        found.leakage[name] = measured_leakage(before[chosen], after[chosen])
    # All corruptions choose the same bases.
    for k in filter(lambda k: k <= length, _KMERS):
        covering = np.lib.stride_tricks.sliding_window_view(chosen, k, axis=1).any(axis=-1)
        naive = rng.random(covering.shape) < config.mask_rate
        found.hidden[k] = float(hidden_bases(covering, k).mean())
        found.hidden_one_by_one[k] = float(hidden_bases(naive, k).mean())
    return found


def describe_corruption(dataset: Dataset) -> list[str]:
    """Returns lines on the corruptions of `mlm`, applied to windows of the training split.

    For each the leakage: what a chosen base shows of the original, in nats. And of k-mers, one from
    every base on, the share of bases that none tells, if bases are hidden, and if as many tokens
    are masked one by one, which is not done, since it hides next to nothing.
    """
    found = measure_corruption(dataset)
    return [
        f"Corruption of {found.num_windows:,} windows, mask_rate={found.mask_rate:g}:",
        "  corruption   chosen   leakage in nats",
        *(
            f"  {name:10}   {found.chosen[name]:6.4f}   {leakage:15.4f}"
            for name, leakage in found.leakage.items()
        ),
        "  k-mers       bases hidden if bases are   if tokens are masked one by one",
        *(
            f"  k={k:<11} {hidden:25.4f}   {found.hidden_one_by_one[k]:31.4f}"
            for k, hidden in found.hidden.items()
        ),
    ]


def hidden_bases(masked: np.ndarray, k: int) -> np.ndarray:
    """Returns the bases that no visible token of k bases covers, bool `[N, P + k - 1]`.

    Args:
        masked: Which tokens are masked, bool `[N, P]`, one from every base on.
        k: Bases of a token.
    """
    visible = np.pad(~masked, ((0, 0), (k - 1, k - 1)))
    return ~np.lib.stride_tricks.sliding_window_view(visible, k, axis=1).any(axis=-1)


def _windows(dataset: Dataset) -> np.ndarray:
    """Returns windows of the training split, packed `[N, ceil(L/2)]`, as many as are enough."""
    manifest, split = dataset.manifest, dataset.split("train")
    length = manifest.window_bp
    count = min(split.num_examples, max(1, _MAX_BASES // length))
    packed = split.read(np.arange(count))["sequence"]
    stored = manifest.schema["sequence"].bases
    return sequence.crop(packed, stored, manifest.shift_bp, length)


def _nibbles(packed: np.ndarray, length: int) -> np.ndarray:
    return np.stack([packed >> 4, packed & 15], axis=-1).reshape(len(packed), -1)[:, :length]
