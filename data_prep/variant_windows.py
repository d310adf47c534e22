"""What a model sees of a variant: a window with the reference, and one with the alternative.

Each allele is in the middle of its own window, so of an insertion less of the flanks is seen, and
of a deletion more: an allele of `n` bases begins at base `(L - n) // 2`.

Shapes: `N` alleles, windows of `L` bases, packed uint8 `[N, ceil(L/2)]`.
"""

import numpy as np

from data_prep.alleles import Alleles
from data_prep.genome import Genome
from tfrecords import sequence

_BASE_OF_BYTE = np.full(256, -1, np.int8)
_BASE_OF_BYTE[np.frombuffer(b"ACGT", np.uint8)] = range(4)


def longest_allele(length: int, max_shift_bp: int) -> int:
    """Returns the bases of an allele that windows show whole after shifts of up to so many bp."""
    return length - 2 * max_shift_bp


def variant_windows(
    genome: Genome, alleles: Alleles, length: int, shift_bp: int = 0
) -> dict[str, np.ndarray]:
    """Returns both windows of each allele, and where in them it is.

    Args:
        genome: That the positions are of. Past the ends of its chromosomes windows are padding.
        alleles: None longer than `longest_allele`.
        length: Bases of a window.
        shift_bp: So far windows are moved to the right.

    Returns:
        `reference` and `alternative`: packed windows; `place`: where in the former the allele
        begins, int64 `[N]`; `reference_base` and `alternative_base`: A, C, G, T as 0 to 3 where one
        base replaces another, else -1, int8 `[N]`.
    """
    sizes, other_sizes = (_lengths(texts) for texts in (alleles.reference, alleles.alternative))
    place = (length - sizes) // 2 - shift_bp
    is_substitution = (sizes == 1) & (other_sizes == 1)
    return {
        "reference": genome.windows(alleles.chrom_id, alleles.start - place, length),
        "alternative": _replaced(genome, alleles, length, shift_bp),
        "place": place,
        "reference_base": _single_bases(alleles.reference, is_substitution),
        "alternative_base": _single_bases(alleles.alternative, is_substitution),
    }


def _replaced(genome: Genome, alleles: Alleles, length: int, shift_bp: int) -> np.ndarray:
    """Returns windows in which the alternatives are in the place of the reference."""
    sizes = _lengths(alleles.alternative)
    first = (length - sizes) // 2 - shift_bp
    last = first + sizes
    end = alleles.start + _lengths(alleles.reference)
    place = np.arange(length)
    flanks = [
        genome.windows(alleles.chrom_id, start, length) & np.packbits(_four_bits(is_here), axis=1)
        for start, is_here in (
            (alleles.start - first, place < first[:, None]),
            (end - last, place >= last[:, None]),
        )
    ]
    bases = np.full((len(sizes), length), -1, np.int8)
    row = np.arange(len(sizes)).repeat(sizes)
    within = np.arange(len(row)) - (np.cumsum(sizes) - sizes)[row]
    bases[row, first[row] + within] = _bases(alleles.alternative)
    return sequence.replace_bases(flanks[0] | flanks[1], length, bases)


def _lengths(texts: list[str]) -> np.ndarray:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _bases(texts: list[str]) -> np.ndarray:
    return _BASE_OF_BYTE[np.frombuffer("".join(texts).encode("ascii"), np.uint8)]


def _single_bases(texts: list[str], is_single: np.ndarray) -> np.ndarray:
    chosen = [texts[row] for row in np.flatnonzero(is_single)]
    bases = np.full(len(texts), -1, np.int8)
    bases[is_single] = _bases(chosen)
    return bases


def _four_bits(mask: np.ndarray) -> np.ndarray:
    return mask.repeat(4, axis=1)
