"""In which order labels are given to a probe: few of them are a part of more.

Shapes: `N` labels.
"""

import numpy as np

from tfrecords.errors import InputError


def label_order(targets: np.ndarray, is_classes: bool, key: tuple[int, ...]) -> np.ndarray:
    """Returns the rows `[N]` in an order of which every beginning is a random sample.

    Of classes, one row of each comes first: so a beginning is what a random draw gives, but that
    no class is missing from it.

    Args:
        targets: `[N]`.
        is_classes: Whether they are 0 or 1.
        key: Of the draw.
    """
    order = np.random.default_rng(key).permutation(len(targets))
    if not is_classes:
        return order
    firsts = np.unique(targets[order] > 0.5, return_index=True)[1]
    return order[np.concatenate([np.sort(firsts), np.delete(np.arange(len(order)), firsts)])]


def num_labels(total: int, fraction: float) -> int:
    """Returns how many of some labels a fraction is: two at least, where there are two."""
    return min(total, max(2, round(fraction * total)))


def check_fractions(fractions: tuple[float, ...]) -> None:
    """Raises `InputError` unless all are above 0 and up to 1, each once."""
    if not fractions or len(set(fractions)) < len(fractions):
        raise InputError(f"fractions {_shown(fractions)}: expected some, each once, as 0.01,0.1,1")
    for fraction in fractions:
        if not 0 < fraction <= 1:
            raise InputError(
                f"fractions {_shown(fractions)}: expected shares of the labels, above 0 and up to 1"
            )


def _shown(fractions: tuple[float, ...]) -> str:
    return ",".join(f"{fraction:g}" for fraction in fractions) or "(none)"
