"""Where an example came from: its `row` as a file of the input and a row in it.

`row` counts the rows of all input files from 0, one file after the other in the order of
`Manifest.inputs`, those left out included. A negative that the build made of a row has its number
plus once, twice, ... the number of all rows.
"""

from tfrecords.manifest import Manifest


def origin(manifest: Manifest, row: int) -> str:
    """Returns the file and the row in it, from 1 without the header: `train.csv.gz, row 17`.

    Of FASTA it is a record. Where several files have one name their place in the input is said. A
    manifest without inputs gives the number alone.
    """
    counts = [entry["num_rows"] for entry in manifest.inputs]
    if not sum(counts):
        return f"row {row}"
    copy, place = divmod(row, sum(counts))
    file = 0
    while place >= counts[file]:
        place -= counts[file]
        file += 1
    name = manifest.inputs[file]["file"]
    if [entry["file"] for entry in manifest.inputs].count(name) > 1:
        name += f" (input file {file + 1})"
    unit = "record" if manifest.flags.get("source") == "fasta" else "row"
    made = f"negative {copy} made of " if copy else ""
    return f"{made}{name}, {unit} {place + 1}"
