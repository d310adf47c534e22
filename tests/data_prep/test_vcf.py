"""Alleles of records that a person can check, on a genome of two short chromosomes."""

import gzip
import re

import numpy as np
import pytest
from pysam import bcftools

from data_prep.genome import open_genome
from data_prep.vcf import VcfFile, is_vcf
from tfrecords.errors import InputError

CHROMS = {"1": "ACGTACGTACGTNACGTAAAT", "2": "GGGCCCTTTAAA"}
HEADER = """##fileformat=VCFv4.2
##contig=<ID=1>
##contig=<ID=2>
##INFO=<ID=HARM,Number=A,Type=Integer,Description="Label of an allele">
##INFO=<ID=BAD,Number=1,Type=String,Description="Label of a record">
##INFO=<ID=ANY,Number=.,Type=Integer,Description="As many labels as somebody wrote">
##INFO=<ID=SEEN,Number=0,Type=Flag,Description="Label by a flag">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO
"""
# Position, id, reference, alternatives, INFO.
RECORDS = [
    ("1", 2, "rs1", "C", "T", "HARM=1;BAD=0"),
    ("1", 5, ".", "AC", "A,GC,ACC,*", "HARM=0,1,.,1"),
    ("1", 18, ".", "AAA", "A", "SEEN"),
    ("2", 4, "b", "CCC", "<DEL>,CNC,CCC[1:3[", "BAD=1;HARM=1,1,1"),
    ("2", 1, ".", "g", "c", "."),
    ("2", 12, ".", "A", ".", "."),
]


@pytest.fixture
def genome(tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">{n}\n{t}\n" for n, t in CHROMS.items()))
    return open_genome(tmp_path / "x.fa", cache_dir=tmp_path / "cache")


@pytest.fixture
def write(tmp_path):
    def to_file(records=RECORDS, header=HEADER, name="v.vcf"):
        lines = ["\t".join([c, str(p), i, r, a, ".", ".", x]) for c, p, i, r, a, x in records]
        path = tmp_path / name
        content = (header + "".join(f"{line}\n" for line in lines)).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return to_file


def read(path, genome, size=100, **options):
    file = VcfFile(path, genome, **{"max_allele_bp": 10} | options)
    return file, list(file.batches(size))


def rows(batches):
    return [
        (int(chrom_id), int(start), reference, alternative)
        for batch in batches
        for chrom_id, start, reference, alternative in zip(*batch.alleles, strict=True)
    ]


EXPECTED = [
    (0, 1, "C", "T"),
    (0, 5, "C", ""),  # AC to A.
    (0, 4, "A", "G"),  # AC to GC.
    (0, 5, "", "C"),  # AC to ACC: what both end with is taken off first.
    (0, 17, "AA", ""),  # AAA to A.
    (1, 0, "G", "C"),
]


def test_every_alternative_is_an_allele_without_what_it_shares_with_the_reference(write, genome):
    file, batches = read(write(), genome)
    assert rows(batches) == EXPECTED
    assert batches[0].record.tolist() == [0, 1, 1, 1, 2, 4]
    assert batches[0].number.tolist() == [0, 0, 1, 2, 0, 0]
    assert batches[0].columns() == {
        "chrom": ["1", "1", "1", "1", "1", "2"],
        "pos": [2, 5, 5, 5, 18, 1],
        "id": ["rs1", ".", ".", ".", ".", "."],
        "ref": ["C", "AC", "AC", "AC", "AAA", "g"],
        "alt": ["T", "A", "GC", "ACC", "A", "c"],
    }
    assert file.num_records == len(RECORDS)
    assert file.skipped == {
        "within a deletion (*)": 1,
        "symbolic (<...>)": 1,
        "letters other than A, C, G, T": 1,
        "breakend": 1,
        "no alternative": 1,
    }


def test_any_batches_and_formats_hold_the_same(write, genome, tmp_path):
    path = write()
    expected = rows(read(path, genome)[1])
    for name, kind in (("v.bcf", "b"), ("bgzip.vcf.gz", "z")):
        bcftools.view(f"-O{kind}", "-o", str(tmp_path / name), str(path), catch_stdout=False)
    for other in (path, write(name="gzip.vcf.gz"), tmp_path / "v.bcf", tmp_path / "bgzip.vcf.gz"):
        assert is_vcf(other)
        for size in (1, 2, 100):
            file, batches = read(other, genome, size)
            assert rows(batches) == expected
            assert [len(batch.records) for batch in batches][:1] == [min(size, len(RECORDS))]
            assert file.skipped.total() == 5
    assert not is_vcf("x.fa.gz")


def test_names_of_chromosomes_are_matched_by_one_rule(write, genome):
    header = HEADER.replace("ID=1>", "ID=chr1>").replace("ID=2>", "ID=chr2>")
    records = [(f"chr{chrom}", *rest) for chrom, *rest in RECORDS[:3]]
    file, batches = read(write(records, header), genome)
    assert rows(batches)[0] == EXPECTED[0]
    assert file.notes == ("Chromosome names matched by prefix: chr1 = 1 (v.vcf).",)
    with pytest.raises(InputError, match="v.vcf names the chromosomes chr1; the genome has 1, 2;"):
        read(write(records, header), genome, chrom_alias="none")


def test_longer_alleles_than_can_be_shown_are_left_out(write, genome):
    file, batches = read(write(RECORDS[1:3]), genome, max_allele_bp=1)
    assert [row[2:] for row in rows(batches)] == [("C", ""), ("A", "G"), ("", "C")]
    assert file.skipped["longer than the window"] == 1


def test_ambiguous_bases_of_the_genome_fit_any_reference(write, genome):
    _, batches = read(write([("1", 13, ".", "A", "C", ".")]), genome)
    assert rows(batches) == [(0, 12, "A", "C")]


@pytest.mark.parametrize(
    ("field", "labels"),
    [
        ("HARM", [1, 0, 1, np.nan, np.nan, np.nan]),
        ("BAD", [0, *[np.nan] * 5]),
        ("SEEN", [0, 0, 0, 0, 1, 0]),
    ],
)
def test_labels_of_alleles_records_and_by_a_flag(write, genome, field, labels):
    _, (batch,) = read(write(), genome, label_field=field)
    np.testing.assert_array_equal(batch.labels, np.array(labels, np.float32))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            ("1", 2, ".", "A", "G", "."),
            "v.vcf: record 2, 1:2 A>G: 1 of the genome has C there; most likely the variants are "
            "of another version of the genome: give --fasta the file that they were called on",
        ),
        (("2", 11, ".", "AAT", "A", "."), "record 2, 2:11 AAT>A: 2 of the genome ends at 12; most"),
        (("2", 40, ".", "A", "T", "."), "record 2, 2:40 A>T: 2 of the genome ends at 12; most lik"),
        (("1", 2, ".", "C", "G", "BAD=2"), "record 2, 1:2 C>G: BAD=2, expected a label, 0 or 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_record(write, genome, record, message):
    """Also in a batch that is not the first."""
    path = write([RECORDS[0], record])
    with pytest.raises(InputError, match=re.escape(message)):
        read(path, genome, size=1, label_field="BAD")


def test_a_label_for_all_alternatives_or_one_for_each(write, genome):
    records = [("1", 2, ".", "C", "T,G", "ANY=1"), ("1", 3, ".", "G", "T,C", "ANY=0,1")]
    _, (batch,) = read(write(records), genome, label_field="ANY")
    assert batch.labels.tolist() == [1, 1, 0, 1]
    # Of the reference as well: which is whose cannot be told.
    records.append(("1", 4, ".", "T", "A,C", "ANY=0,1,1"))
    message = "record 3, 1:4 T>A,C: ANY has 3 values for 2 alternatives, expected one for each, or"
    with pytest.raises(InputError, match=message):
        read(write(records), genome, label_field="ANY")


def test_files_that_are_no_vcf_are_refused(write, genome, tmp_path):
    (tmp_path / "text.vcf").write_text("chrom,pos\n1,2\n")
    with pytest.raises(InputError, match="text.vcf is no VCF or BCF file, or is cut"):
        read(tmp_path / "text.vcf", genome)
    with pytest.raises(InputError, match="v.vcf: there is no variant in this file"):
        read(write([]), genome)
    with pytest.raises(InputError, match="no.vcf: there is no such file"):
        read(tmp_path / "no.vcf", genome)
    with pytest.raises(InputError, match="has no INFO field 'HARMS' to take labels from. Did"):
        read(write(), genome, label_field="HARMS")


def test_damaged_files_are_refused_with_the_place(write, genome, tmp_path):
    lines = write().read_text().splitlines()
    (tmp_path / "bad.vcf").write_text("\n".join([*lines[:9], "1\tten\t.\tA\tC", *lines[9:]]) + "\n")
    with pytest.raises(InputError, match="bad.vcf: record 2 is not as VCF has it, or is cut off"):
        read(tmp_path / "bad.vcf", genome)
    whole = write(RECORDS * 500, name="w.vcf.gz").read_bytes()
    (tmp_path / "cut.vcf.gz").write_bytes(whole[:-40])
    with pytest.raises(
        InputError, match="cut.vcf.gz: record .* is not as VCF has it, or is cut off"
    ):
        read(tmp_path / "cut.vcf.gz", genome)
