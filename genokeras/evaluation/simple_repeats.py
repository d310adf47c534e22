"""How repetitive sequences are: the longest homopolymer, di- or trinucleotide repeat of each.

Shapes: `N` sequences of `L` bp, packed uint8 `[N, ceil(L/2)]`.
"""

import numpy as np

from tfrecords import sequence

# Units of the simple repeats, in bp: homopolymers, dinucleotide and trinucleotide repeats.
UNITS_BP = (1, 2, 3)


def longest_repeat_bp(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns the longest run that repeats a unit of 1 to 3 bp in tandem, int `[N]` in bp.

    At least two whole copies make a repeat, and a part of a third counts: ACACA has 5. Without any
    it is 0.
    """
    # A 1-mer's number is its base; -1 is padding or an ambiguous base.
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
