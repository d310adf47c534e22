"""A chromosome: what a `chrom_id` stands for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chrom:
    """A sequence of a genome: its name, as the FASTA file has it, and its length in bp."""

    name: str
    length: int
