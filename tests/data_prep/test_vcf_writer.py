import gzip

import numpy as np
import pysam
import pytest

from data_prep.genome import open_genome
from data_prep.vcf import VcfFile
from data_prep.vcf_writer import info_fields, open_vcf
from tfrecords.errors import InputError

TEXT = """##fileformat=VCFv4.2
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	me
1	2	rs1	C	T,<DEL>	30	PASS	AF=0.5,0.1	GT	0/1
1	3	.	G	.	.	.	.	GT	0/0
1	5	.	A	C,AT	.	q10	UNKNOWN=3	GT	1/2
"""
INFO = {"delta": 'What "it" changes'}


@pytest.fixture
def source(tmp_path):
    (tmp_path / "x.fa").write_text(">1\nACGTACGTACGT\n")
    (tmp_path / "v.vcf").write_text(TEXT)
    genome = open_genome(tmp_path / "x.fa", cache_dir=tmp_path / "cache")
    return VcfFile(tmp_path / "v.vcf", genome, max_allele_bp=10)


def write(source, path, size=2):
    given = iter([np.array([0.25]), np.array([np.nan, -1.5])] if size == 2 else [])
    with open_vcf(path, source.header, INFO) as add:
        for batch in source.batches(size, INFO):
            add(batch, {"delta": next(given)})


def test_records_get_a_number_for_every_alternative_and_keep_the_rest(source, tmp_path):
    """Also what the header does not name; no number is `.`, and none at all no field."""
    write(source, tmp_path / "out.vcf")
    text = (tmp_path / "out.vcf").read_text()
    head = [line for line in text.splitlines() if line.startswith("##")]
    assert sum("ID=delta,Number=A,Type=Float" in line for line in head) == 1
    assert any("Description=\"What 'it' changes\"" in line for line in head)
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    given = [line.split("\t") for line in TEXT.splitlines() if not line.startswith("#")]
    infos = [row.pop(7) for row in rows]
    assert rows == [[*row[:7], *row[8:]] for row in given]
    assert infos == ["AF=0.5,0.1;delta=0.25,.", ".", "UNKNOWN=3;delta=.,-1.5"]
    with pysam.VariantFile(str(tmp_path / "out.vcf")) as again:
        assert [record.info.get("delta") for record in again] == [(0.25, None), None, (None, -1.5)]


def test_gz_is_what_tabix_can_index(source, tmp_path):
    write(source, tmp_path / "out.vcf")
    write(source, tmp_path / "out.vcf.gz")
    packed = (tmp_path / "out.vcf.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "out.vcf").read_bytes()
    pysam.tabix_index(str(tmp_path / "out.vcf.gz"), preset="vcf")


def test_nothing_is_left_of_what_fails(source, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(StopIteration):
        write(source, tmp_path / "out.vcf", size=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_names_that_info_fields_cannot_have_are_changed(source):
    found = info_fields({"a-b 1": "", "2x": "", "ok_delta": ""}, source.header)
    assert found == {"a-b 1": "a_b_1", "2x": "_2x", "ok_delta": "ok_delta"}
    with pytest.raises(InputError, match="two scores would be the INFO field a_b; give --out"):
        info_fields({"a-b": "", "a b": ""}, source.header)
    with pytest.raises(InputError, match=r"has an INFO field AF already, .* annotate -x INFO/AF`"):
        info_fields({"AF": ""}, source.header)
