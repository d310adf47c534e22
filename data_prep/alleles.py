"""Alternative alleles of variants: what they replace, and which of them a model can be shown.

Shapes: `N` alleles. Positions are 0-based, of the forward strand.
"""

import os
from typing import NamedTuple

import numpy as np

_BASES = frozenset("ACGT")


class Alleles(NamedTuple):
    """Alternative alleles, without what they share with the reference.

    Attributes:
        chrom_id: Position of the chromosome in the genome, int64 `[N]`.
        start: First base that is replaced, int64 `[N]`.
        reference: The bases that are replaced, texts of A, C, G and T, maybe empty.
        alternative: The bases in their place.
    """

    chrom_id: np.ndarray
    start: np.ndarray
    reference: list[str]
    alternative: list[str]


def shortened_alleles(reference: str, alternative: str) -> tuple[int, str, str]:
    """Returns how many first bases both share, and both without what they share at either end."""
    behind = len(os.path.commonprefix([reference[::-1], alternative[::-1]]))
    reference = reference[: len(reference) - behind]
    alternative = alternative[: len(alternative) - behind]
    before = len(os.path.commonprefix([reference, alternative]))
    return before, reference[before:], alternative[before:]


def reason_to_skip(
    reference: str, alternative: str, max_allele_bp: int, shortened: tuple[int, str, str]
) -> str:
    """Returns why an allele cannot be shown; an empty text if it can."""
    if alternative == ".":
        return "no alternative"
    if alternative in ("*", "<*>"):
        return "within a deletion (*)"
    if alternative.startswith("<"):
        return "symbolic (<...>)"
    if set(alternative) & set("[]."):
        return "breakend"
    if not _BASES.issuperset(reference + alternative):
        return "letters other than A, C, G, T"
    if max(map(len, shortened[1:])) > max_allele_bp:
        return "longer than the window"
    return ""
