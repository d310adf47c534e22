"""What can be said of a sequence without a model: its GC content, and how repetitive it is.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`.
"""

import numpy as np

from tfrecords import sequence

# Units of the simple repeats, in bp: homopolymers, dinucleotide and trinucleotide repeats.
UNITS_BP = (1, 2, 3)


def gc_content(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns the share of G and C among the bases A, C, G, T, `[N]`; NaN where there is none."""
    # A 1-mer's number is its base; -1 is padding or an ambiguous base.
    bases = sequence.kmer_ids(packed, length, 1)
    known = np.count_nonzero(bases >= 0, axis=1)
    gc = np.count_nonzero((bases == 1) | (bases == 2), axis=1)
    return np.where(known, gc / np.maximum(known, 1), np.nan)


def longest_repeat_bp(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns the longest run that repeats a unit of 1 to 3 bp in tandem, int `[N]` in bp.

    At least two whole copies make a repeat, and a part of a third counts: ACACA has 5. Without any
    it is 0.
    """
    bases = sequence.kmer_ids(packed, length, 1)
    longest = np.zeros(len(bases), int)
    for unit in UNITS_BP:
        if unit < length:
            same = (bases[:, unit:] == bases[:, :-unit]) & (bases[:, unit:] >= 0)
            run = _longest_run(same)
            longest = np.maximum(longest, np.where(run >= unit, run + unit, 0))
    return longest


def _longest_run(holds: np.ndarray) -> np.ndarray:
    """Returns the length of the longest run of True in each row `[N, P]`."""
    places = np.arange(1, holds.shape[1] + 1, dtype=np.int32)
    last_false = np.maximum.accumulate(np.where(holds, 0, places), axis=1)
    return (places - last_false).max(axis=1)
