"""Files are told apart by their first lines, and each source refuses the others\'."""

import pytest

from data_prep import windows
from data_prep.csv_table import CsvTable
from data_prep.fasta import Fasta
from data_prep.file_kind import find_kind
from data_prep.text_file import TextFile
from tfrecords.errors import InputError

FASTQ = "@read 1\nACGT\n+\nIIII\n@read 2\nACGT\n+\nIIII\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (">a\nACGT\n", "fasta"),
        ("\n\n >a\nACGT\n", "fasta"),
        ("sequence,label\nACGT,1\n", "table"),
        ("@sequence,label\nACGT,1\nACCT,1\n", "table"),
        ("sequence\n", "table"),
        ("\n", "table"),
        (">chr1 10 20\nACGT\n", "fasta"),
        ("chrom\tstart\tend\tsequence\nchr1\t1\t5\tACGT\n", "table"),
        ("#chrom\tstart\tend\tsequence\nchr1\t1\t5\tACGT\n", "table"),
        ("ACGT\t0\t1\nAAGT\t1\t0\n", "table"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_kinds(write, name, text, kind):
    assert find_kind(TextFile(write(name, text))) == kind


@pytest.mark.parametrize("name", ["reads.fq", "reads.csv.gz"])
@pytest.mark.parametrize("read", [CsvTable, Fasta, lambda path: windows.read_windows(path, 4)])
def test_fastq_is_refused_by_all_with_the_way_out(write, name, read):
    message = rf"{name} is a FASTQ file, .*; convert it to FASTA first, as `seqtk seq -A` does"
    with pytest.raises(InputError, match=message):
        read(write(name, FASTQ))


PEAK = "chr1\t9\t59\tpeak1\t100\t.\t4.5\t-1\t3.2\t25\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("peaks.bed", "chr1\t9\t59\n", 1),
        ("peaks.narrowPeak.gz", PEAK, 1),
        ("peaks.csv", "browser position chr1\ntrack name=x\n\n# of mine\nchr1 9 59 peak\n", 5),
        ("peaks.bed", "#chrom\tstart\tend\nchr1\t9\t59\n", 2),
    ],
)
@pytest.mark.parametrize("read", [CsvTable, Fasta, lambda path: windows.read_windows(path, 4)])
def test_intervals_are_refused_by_all_with_the_way_out(write, name, text, line, read):
    message = (
        rf"{name}:{line}: chr1 9 59 is an interval, as BED and narrowPeak files hold them, and no "
        "sequence; cut the sequences out of the genome first, as `bedtools getfasta -fi GENOME.fa "
        "-bed FILE` does, and give the FASTA file that it writes"
    )
    with pytest.raises(InputError, match=message):
        read(write(name, text))


def test_fasta_given_as_a_table_and_the_reverse(write):
    with pytest.raises(InputError, match=r"a.csv is a FASTA file; --source=fasta reads it"):
        CsvTable(write("a.csv", ">a label=1\nACGT\n"))
    message = (
        r"a.fa:1: 'sequence,label' stands before the first header; .* --source=csv reads tables"
    )
    with pytest.raises(InputError, match=message):
        Fasta(write("a.fa", "sequence,label\nACGT,1\n"))
