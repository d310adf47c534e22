"""What hiding bases of a dataset's own windows hides, and what it gives away, measured."""

from collections.abc import Iterator

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


def describe_corruption(dataset: Dataset) -> list[str]:
    """Returns lines on the corruptions of `mlm`, applied to windows of the training split.

    For each the leakage: what a chosen base shows of the original, in nats. And of k-mers, one from
    every base on, the share of bases that none tells, if bases are hidden, and if as many tokens
    are masked one by one, which is not done, since it hides next to nothing.
    """
    config, packed = mlm.PRESETS["base"], _windows(dataset)
    length, background = dataset.manifest.window_bp, Spec.from_manifest(dataset.manifest).background
    keys = sampling.example_keys(np.arange(len(packed)), seed=_SEED, epoch=0)
    lines = [
        f"Corruption of {len(packed):,} windows, mask_rate={config.mask_rate:g}:",
        "  corruption   chosen   leakage in nats",
    ]
    before, hidden = _nibbles(packed, length), None
    mixed = config.mixed_shares
    for name, actions in (("mask", (1, 0, 0)), ("random", (0, 1, 0)), ("mixed", mixed)):
        arguments = config.mask_rate, config.mask_span_bp, actions, background or UNIFORM
        corrupted, chosen = (np.asarray(x) for x in corrupt(packed, keys, *arguments))
        chosen, after = chosen[:, :length], _nibbles(corrupted, length)
        leakage = measured_leakage(before[chosen], after[chosen])
        lines.append(f"  {name:10}   {chosen.mean():6.4f}   {leakage:15.4f}")
        hidden = chosen if name == "mask" else hidden
    lines.append("  k-mers       bases hidden if bases are   if tokens are masked one by one")
    lines += _hidden_lines(hidden, config.mask_rate)
    return lines


def hidden_bases(masked: np.ndarray, k: int) -> np.ndarray:
    """Returns the bases that no visible token of k bases covers, bool `[N, P + k - 1]`.

    Args:
        masked: Which tokens are masked, bool `[N, P]`, one from every base on.
        k: Bases of a token.
    """
    visible = np.pad(~masked, ((0, 0), (k - 1, k - 1)))
    return ~np.lib.stride_tricks.sliding_window_view(visible, k, axis=1).any(axis=-1)


def _hidden_lines(hidden: np.ndarray, rate: float) -> Iterator[str]:
    rng = np.random.default_rng(_SEED)
    for k in _KMERS:
        if hidden.shape[1] < k:
            continue
        covering = np.lib.stride_tricks.sliding_window_view(hidden, k, axis=1).any(axis=-1)
        naive = rng.random(covering.shape) < rate
        shares = [hidden_bases(masked, k).mean() for masked in (covering, naive)]
        yield f"  k={k:<11} {shares[0]:25.4f}   {shares[1]:31.4f}"


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
