"""Whether a text file is FASTA, a table, or neither, as its first lines say."""

import itertools

from data_prep.text_file import TextFile
from tfrecords.errors import InputError

FROM_GENOME = (
    "cut the sequences out of the genome first, as `bedtools getfasta -fi GENOME.fa -bed FILE` "
    "does, and give the FASTA file that it writes"
)
_BED_PREFIXES = ("#", "track", "browser")
_FEWEST_BASES = 4  # Shorter words of A, C, G, T and N may be names.


def find_kind(text: TextFile) -> str:
    """Returns `fasta` or `table`.

    Raises:
        InputError: It is a FASTQ file, a file of intervals (BED, narrowPeak), or cannot be read.
    """
    lines = text.lines()
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    first = list(itertools.islice(filled, 3))
    rows = ((n, x) for n, x in itertools.chain(first, filled) if not x.startswith(_BED_PREFIXES))
    number, row = next(rows, (0, ""))
    lines.close()
    if [line[0] for _, line in first[::2]] == ["@", "+"]:
        raise InputError(
            f"{text.path} is a FASTQ file, which holds reads and their qualities; convert it to "
            "FASTA first, as `seqtk seq -A` does"
        )
    if first and first[0][1].lstrip().startswith(">"):
        return "fasta"
    if _is_interval(row):
        chrom, start, end = row.split()[:3]
        raise InputError(
            f"{text.path}:{number}: {chrom} {start} {end} is an interval, as BED and narrowPeak "
            f"files hold them, and no sequence; {FROM_GENOME}"
        )
    return "table"


def _is_interval(row: str) -> bool:
    """Whether a line begins with a chromosome, a start and an end, and holds no sequence."""
    cells = row.split()
    if len(cells) < 3 or not (cells[1].isdecimal() and cells[2].isdecimal()):
        return False
    has_sequence = any(len(x) >= _FEWEST_BASES and set(x.upper()) <= set("ACGTN") for x in cells)
    return not has_sequence and int(cells[1]) <= int(cells[2])
