"""A chromosome: what a `chrom_id` stands for; and places in the genome as single numbers."""

from dataclasses import dataclass

import numpy as np

PLACE_BITS = 40  # Of a place, so many say where in its chromosome it is.


@dataclass(frozen=True)
class Chrom:
    """A sequence of a genome: its name, as the FASTA file has it, and its length in bp."""

    name: str
    length: int


def place(chrom_id: np.ndarray | int, position: np.ndarray | int) -> np.ndarray:
    """Returns places as numbers that sort by chromosome, then position: int64, as the arguments."""
    return (np.asarray(chrom_id, np.int64) << PLACE_BITS) + position
