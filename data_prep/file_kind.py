"""Whether a text file is FASTA, FASTQ or a table, as its first lines say."""

import itertools

from data_prep.text_file import TextFile
from tfrecords.errors import InputError


def find_kind(text: TextFile) -> str:
    """Returns `fasta` or `table`.

    Raises:
        InputError: It is a FASTQ file, or cannot be read.
    """
    lines = text.lines()
    first = list(itertools.islice((line for line in lines if line.strip()), 3))
    lines.close()
    if [line[0] for line in first[::2]] == ["@", "+"]:
        raise InputError(
            f"{text.path} is a FASTQ file, which holds reads and their qualities; convert it to "
            "FASTA first, as `seqtk seq -A` does"
        )
    return "fasta" if first and first[0].lstrip().startswith(">") else "table"
