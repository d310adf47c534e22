"""K-mers up to strand: a k-mer and its reverse complement are one.

K-mers are numbered with A=0 .. T=3 in base 4, the first base most significant.
"""

import numpy as np


def canonical_kmers(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for each pair, its k-mer (the smaller number) and the reverse complement, int32."""
    kmers = np.arange(4**k, dtype=np.int32)
    digits = kmers[:, None] // 4 ** np.arange(k) % 4
    opposites = ((3 - digits) @ 4 ** np.arange(k - 1, -1, -1)).astype(np.int32)
    smaller = kmers <= opposites
    return kmers[smaller], opposites[smaller]


def pair_of_kmer(k: int) -> np.ndarray:
    """Returns the place of every k-mer in `canonical_kmers`, int32 `[4**k]`."""
    places = np.empty(4**k, np.int32)
    for kmers in canonical_kmers(k):
        places[kmers] = np.arange(len(kmers))
    return places
