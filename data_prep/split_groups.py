"""What no split may part: rows of a group, windows that overlap, or copies of a sequence."""

import numpy as np

from data_prep import intervals
from data_prep.build_config import BuildConfig
from data_prep.ingest import Ingested
from data_prep.intervals import Intervals
from data_prep.scratch import Column


def split_groups(ingested: Ingested, config: BuildConfig, length: int) -> Column | np.ndarray:
    """Returns a number for every row, uint64 `[N]`; rows of one number stay in one split.

    Rows belong together as the source says. If it says nothing: of windows of a genome those of a
    chain of windows that overlap, with what is stored beside them, or with `whole_chroms` those of
    a chromosome; and of other sequences all copies on either strand.

    Args:
        ingested: The rows.
        config: Says whether rows are split by fractions or folds, and what is stored beside
            windows.
        length: Bases of a stored sequence.
    """
    scratch = ingested.scratch
    has_places = "chrom_id" in scratch.columns and config.is_splitting
    if ingested.has_groups or not has_places:
        return scratch.read("group")
    chrom_id = scratch.read("chrom_id")[:]
    if config.whole_chroms:
        return chrom_id.astype(np.uint64)
    start = scratch.read("start")[:] - config.shift_bp
    return intervals.clusters(Intervals(chrom_id, start, start + length)).astype(np.uint64)
