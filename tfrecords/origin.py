"""Where an example came from: its `row` as a file of the input and a row in it.

`row` counts the rows of all input files from 0, one file after the other in the order of
`Manifest.inputs`, those left out included. A negative that the build made of a row has its number
plus once, twice, ... the number of all rows.

Of windows of a genome the place is told instead: what they were cut from is not a row of a file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tfrecords.manifest import Manifest

# Fields of a record that say where in a genome its window is.
PLACE = ("chrom_id", "start", "strand")


def origin(
    manifest: Manifest, row: int, *, chrom_id: int = -1, start: int = -1, strand: int = 0
) -> str:
    """Returns the file and the row in it, from 1 without the header: `train.csv.gz, row 17`.

    Of FASTA it is a record. Where several files have one name their place in the input is said. A
    manifest without inputs gives the number alone. Windows of a genome are `II:1000-1200`, 0-based
    and half-open, with their strand if they have one, `II:1000-1200:-`; made negatives have none.

    Args:
        manifest: Of the dataset.
        row: A field of the record, like the others.
        chrom_id: Of windows of a genome only.
        start: Likewise.
        strand: Likewise.
    """
    if manifest.chroms:
        if chrom_id < 0:
            return f"made negative, row {row}"
        return place_name(manifest.chroms[chrom_id].name, start, manifest.window_bp, strand)
    return row_name(manifest.inputs, row, is_fasta=manifest.flags.get("source") == "fasta")


def place_name(chrom: str, start: int, window_bp: int, strand: int = 0) -> str:
    """Returns a window as `origin` writes it: `II:1000-1200:-`."""
    side = {1: ":+", -1: ":-", 0: ""}[strand]
    return f"{chrom}:{start}-{start + window_bp}{side}"


def row_name(inputs: Sequence[Mapping[str, Any]], row: int, *, is_fasta: bool = False) -> str:
    """Returns the file and the row in it, from 1, of a `row` counted over the `inputs`."""
    counts = [entry["num_rows"] for entry in inputs]
    if not sum(counts):
        return f"row {row}"
    copy, place = divmod(row, sum(counts))
    file = 0
    while place >= counts[file]:
        place -= counts[file]
        file += 1
    name = inputs[file]["file"]
    if [entry["file"] for entry in inputs].count(name) > 1:
        name += f" (input file {file + 1})"
    made = f"negative {copy} made of " if copy else ""
    return f"{made}{name}, {'record' if is_fasta else 'row'} {place + 1}"
