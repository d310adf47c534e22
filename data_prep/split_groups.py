"""What no split may part: rows of a group, windows that overlap, and copies of a sequence."""

import pathlib

import numpy as np

from data_prep.build_config import BuildConfig
from data_prep.genome_order import clusters
from data_prep.groups import join_copies, number_groups
from data_prep.ingest import Ingested
from data_prep.scratch import Column


def split_groups(
    ingested: Ingested, config: BuildConfig, folder: pathlib.Path, *, length: int
) -> Column | np.ndarray:
    """Returns a number for every row, integer `[N]`; rows of one number stay in one split.

    Rows belong together as the source says; if it says nothing, windows of a genome do that
    overlap, with what is stored beside them. Copies of a sequence, on either strand, belong
    together whatever they are, and so all that they are together with. Only with `whole_chroms`
    it is chromosomes and nothing else: repeats would join them all.

    Args:
        ingested: The rows.
        config: Says whether rows are split by fractions or folds.
        folder: For what is worked out on disk; made here, and taken away again.
        length: Bases of a stored sequence.
    """
    scratch = ingested.scratch
    has_places = "chrom_id" in scratch.columns
    if not (config.split_fractions or config.num_folds) or not (ingested.has_groups or has_places):
        return scratch.read("group")
    if config.whole_chroms:
        return scratch.read("chrom_id")
    if ingested.has_groups:
        numbers, names = number_groups(scratch.read("group"))
        return names[join_copies(numbers, len(names), scratch.read("key"))][numbers]
    places = scratch.read("chrom_id"), scratch.read("start")
    numbers, count = clusters(*places, folder, length=length)
    return join_copies(numbers, count, scratch.read("key"))[numbers]
