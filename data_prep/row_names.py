"""Rows of a build as a user knows them: places in the genome, or rows of the input files."""

from collections.abc import Callable

from data_prep.scratch import Scratch
from data_prep.source import Source
from tfrecords.origin import place_name, row_name


def row_names(source: Source, scratch: Scratch, window_bp: int) -> Callable[[int], str]:
    """Returns what names a row of the columns by its place from 0, as `origin` does it of records.

    Args:
        source: Where the rows came from; all were read.
        scratch: The columns.
        window_bp: Bases of a window, without what is stored beside it.
    """
    chroms = source.details.get("chroms", ())
    is_fasta = source.flags.get("source") == "fasta"

    def name(row: int) -> str:
        chrom_id, start, number = (
            int(scratch.read(column)[row : row + 1][0]) if column in scratch.columns else -1
            for column in ("chrom_id", "start", "row")
        )
        if chroms and chrom_id >= 0:
            return place_name(chroms[chrom_id].name, start, window_bp)
        return row_name(source.inputs, number, is_fasta=is_fasta)

    return name
