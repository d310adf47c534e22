"""What a model makes of the two strands of its examples: the field `rc` of configurations.

- `average`: predictions are the mean of the network's for both strands.
- `equivariant`: the network is made of layers for which that would change nothing, and has half of
  the parameters (`genokeras.layers.rc_strands`).
- `augment`: training turns half of the examples, where the dataset has them turned
  (`--reverse_complement=online`), as with the two above; the network may predict what it likes.
- `none`: training sees examples as they are given. Predictions are of the given strand.

Of data whose labels belong to one strand (`spec.stranded`) nothing is turned or averaged.
"""

from collections.abc import Sequence
from typing import Any, Literal

from genokeras.models.spec import Spec
from tfrecords.errors import InputError

Rc = Literal["equivariant", "average", "augment", "none"]


def averages(config: Any, spec: Spec) -> bool:
    """Whether a model stacks both strands of its examples and averages what it predicts of them."""
    return config.rc == "average" and not spec.stranded


def is_strand_blind(config: Any, spec: Spec) -> bool:
    """Whether both strands of a window have one prediction without any averaging outside."""
    return getattr(config, "rc", "augment") in ("average", "equivariant") and not spec.stranded


def turns_strands(config: Any) -> bool:
    """Whether training may turn examples to the opposite strand."""
    return getattr(config, "rc", "augment") != "none"


def check_sizes(config: Any, *, odd: Sequence[str], even: Sequence[str]) -> None:
    """Raises `InputError` if a network of such sizes cannot be equivariant, and is to be.

    Args:
        config: With the field `rc`.
        odd: Fields with sizes of kernels, which stand in the middle of what they read.
        even: Fields with numbers of channels or heads, half of them of either strand.
    """
    if config.rc != "equivariant":
        return
    for name in odd:
        if getattr(config, name) % 2 == 0:
            raise InputError(
                f"rc=equivariant needs an odd {name}, got {getattr(config, name)}: an even kernel "
                "reaches further to one side; change it, or use rc=average"
            )
    for name in even:
        value = getattr(config, name)
        for size in value if isinstance(value, tuple) else (value,):
            if size % 2:
                raise InputError(
                    f"rc=equivariant needs an even {name}, got {size}: half belong to either strand"
                )


def check_positions(config: Any) -> None:
    """Raises `InputError` if positions count from one end of windows, and must not."""
    if config.rc == "equivariant" and config.positions in ("learned", "sinusoidal"):
        raise InputError(
            f"rc=equivariant, but positions={config.positions} count from one end of a window; use "
            "positions=rotary or none"
        )


def check(config: Any, spec: Spec, pooled: int) -> None:
    """Raises `InputError` if the data do not allow an equivariant network, and it is to be one.

    Args:
        config: With the field `rc`.
        spec: What the data demand.
        pooled: Bases that become one position by the end of the network.
    """
    if config.rc != "equivariant":
        return
    if spec.stranded:
        raise InputError(
            "rc=equivariant, but the dataset was built with --reverse_complement=none: its labels "
            "are of the given strand and say nothing of the opposite one; use rc=none"
        )
    if spec.cut_sites:
        raise InputError(
            "rc=equivariant, but the dataset has cut sites, which move by one base on the opposite "
            "strand; use rc=average"
        )
    if spec.length % pooled:
        raise InputError(
            f"rc=equivariant pools runs of {pooled} bp, and windows of {spec.length} bp leave some "
            f"over at one end: use windows of a multiple of {pooled} bp, or rc=average"
        )
