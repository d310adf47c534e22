"""I, chrI and chr1 may be one chromosome, or not: what is matched, and what is refused."""

import pytest

from data_prep.chrom_names import listed, match_names
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError

ROMAN = [*("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"), *("XI", "XII", "XIII")]
ROMAN += ["XIV", "XV", "XVI"]
YEAST = [Chrom(name, 1000 + number) for number, name in enumerate([*ROMAN, "Mito"])]
HUMAN = [Chrom(str(name), 500) for name in [*range(1, 23), "X", "Y", "MT"]]
WORM = [Chrom(name, 500) for name in ["I", "II", "III", "IV", "V", "X", "MtDNA"]]


def chroms(*names, length=100):
    return [Chrom(name, length) for name in names]


def match(genome, names, alias="auto", end=1):
    """Chromosomes of the names of one file, by the names in the genome; and the lines told."""
    found, notes = match_names(genome, {"dir/a.bed": dict.fromkeys(names, end)}, alias)
    return {name: genome[number].name for name, number in found["dir/a.bed"].items()}, notes


@pytest.mark.parametrize("alias", ["none", "auto", "ucsc", "ensembl"])
def test_equal_names_need_nothing(alias):
    assert match(HUMAN, ["X", "7"], alias) == ({"X": "X", "7": "7"}, ())


def test_yeast_in_arabic_numerals():
    arabic = [f"chr{number}" for number in range(1, 17)]
    found, notes = match(YEAST, [*reversed(arabic), "chrM"])
    assert found == dict(zip([*arabic, "chrM"], [*ROMAN, "Mito"], strict=True))
    assert len(notes) == 1
    assert notes[0].startswith(
        "Chromosome names matched by Roman numerals: chr1 = I, chr2 = II, chr3 = III, chr4 = IV, "
    )
    assert notes[0].endswith(", chr16 = XVI, chrM = Mito (a.bed).")


def test_a_few_of_them_do(yeast):
    assert match(YEAST, ["chr10"])[0] == {"chr10": "X"}
    assert match(YEAST, ["4", "MT"])[0] == {"4": "IV", "MT": "Mito"}


def test_roman_files_of_an_arabic_genome():
    genome = chroms("chr1", "chr2", "chr3", "chr4", "chrM")
    expected = {"I": "chr1", "II": "chr2", "III": "chr3", "IV": "chr4"}
    assert match(genome, expected)[0] == expected
    with pytest.raises(InputError, match="by Roman numerals IV is none of them"):
        match(genome, ["IV", "I"])  # A series with holes may be something else.


@pytest.mark.parametrize("name", ["X", "chrX", "CHRX"])
def test_prefix(name):
    """In yeast chrX is the tenth chromosome, in humans and worms a sex chromosome."""
    assert match(WORM, ["chrM"])[0] == {"chrM": "MtDNA"}
    for genome in (YEAST, HUMAN, WORM):
        assert match(genome, [name, "chrI" if genome is not HUMAN else "chr1"])[0][name] == "X"
    ucsc = [Chrom(f"chr{chrom.name}", 9) for chrom in HUMAN]
    assert match(ucsc, ["X", "MT", "3"])[0] == {"X": "chrX", "MT": "chrMT", "3": "chr3"}


def test_several_files_of_different_habits():
    files = {"x/a.bed": {"I": 1}, "b.bed": {"chrII": 5}, "c.bed": {"chr2": 5}, "d.bed": {"chr3": 5}}
    found, notes = match_names(YEAST, files, "auto")
    assert found == {
        "x/a.bed": {"I": 0},
        "b.bed": {"chrII": 1},
        "c.bed": {"chr2": 1},
        "d.bed": {"chr3": 2},
    }
    assert notes == (
        "Chromosome names matched by prefix: chrII = II (b.bed).",
        "Chromosome names matched by Roman numerals: chr2 = II, chr3 = III (c.bed, d.bed).",
    )


def test_the_example(yeast):
    names = {f"{number}": 230_000 for number in (1, 2, 3)}
    genome = [Chrom("I", 230_218), Chrom("II", 813_184), Chrom("III", 316_620)]
    assert match_names(genome, {"a": names}, "auto")[0] == {"a": {"1": 0, "2": 1, "3": 2}}


@pytest.mark.parametrize(
    ("genome", "names", "end", "reason"),
    [
        (WORM, ["chr1"], 1, "by prefix chr1 is none of them; by Roman numerals chr1 is none"),
        (YEAST, ["chr17"], 1, "by Roman numerals chr17 is none of them"),
        (YEAST, ["chr1", "chr01"], 1, "by Roman numerals chr01 is none of them"),
        (YEAST, ["chr1", "1"], 1, "by Roman numerals chr1 and 1 are both I"),
        (YEAST, ["chrII", "chr2"], 1, "by prefix chr2 is none of them; by Roman numerals chrII is"),
        (
            YEAST,
            ["chr1"],
            1001,
            "by Roman numerals chr1 is I, but has an interval up to 1001, past its 1000 bp, as in "
            "another assembly",
        ),
        (HUMAN, ["chrX"], 501, "by prefix chrX is X, but has an interval up to 501, past its 500"),
        (chroms("1", "chr1"), ["Chr1"], 1, "by prefix Chr1 is none of them"),
        (chroms("I", "III"), ["chr1"], 1, "by Roman numerals chr1 is none of them"),
        (chroms("22:20000001-21000000"), ["chr22"], 1, "by prefix chr22 is none of them"),
    ],
)
def test_auto_refuses_what_may_be_wrong(genome, names, end, reason):
    with pytest.raises(InputError, match=reason):
        match(genome, names, "auto", end)


def test_both_sides_are_listed():
    message = (
        r"dir/a\.bed names the chromosomes chr1, chr2; the genome has I, II; --chrom_alias=none "
        r"does not match chr1, chr2; if it is of this genome, give --chrom_alias=auto or "
        "--chrom_alias=FILE, a line for each chromosome with its names"
    )
    with pytest.raises(InputError, match=message):
        match(chroms("I", "II"), ["chr1", "chr2"], "none")


def test_long_lists_are_cut():
    contigs = [f"contig_{number}" for number in range(1000)]
    with pytest.raises(InputError, match="contig_18, contig_19 and 980 more; --chrom") as caught:
        match(chroms(*contigs), ["contig_3", "chr1"])
    assert "does not match chr1 (by prefix" in str(caught.value)
    assert len(str(caught.value)) < 700


def test_named_habits():
    """`ucsc` and `ensembl` say how the files name chromosomes; ends are not looked at."""
    assert match(HUMAN, ["chrM", "chr1"], "ucsc", 10**9)[0] == {"chrM": "MT", "chr1": "1"}
    genome = chroms("chr1", "chrM")
    found, notes = match(genome, ["1", "MT"], "ensembl")
    assert found == {"1": "chr1", "MT": "chrM"}
    assert notes == ("Chromosome names matched by ensembl names: 1 = chr1, MT = chrM (a.bed).",)
    with pytest.raises(InputError, match=r"--chrom_alias=ensembl does not match chr1 \(by ensembl"):
        match(HUMAN, ["chr1"], "ensembl")
    with pytest.raises(InputError, match="by ucsc names chr1 is none of them"):
        match(YEAST, ["chr1"], "ucsc")


def test_alias_file(write):
    path = str(
        write("alias.txt", "# a\tb\tc\nchr1\tI\tNC_1\n\nchr2\t\tII\nchr9\tIX\t\nother\tnone\n")
    )
    found, notes = match(chroms("I", "II", "M"), ["NC_1", "chr2", "M"], path)
    assert found == {"NC_1": "I", "chr2": "II", "M": "M"}
    assert notes == ("Chromosome names matched by alias.txt: NC_1 = I, chr2 = II (a.bed).",)
    with pytest.raises(InputError, match=r"by alias\.txt chr9 is none of them"):
        match(chroms("I", "II"), ["chr9"], path)
    with pytest.raises(InputError, match=r"by alias\.txt chr1 and NC_1 are both I"):
        match(chroms("I", "II"), ["chr1", "NC_1"], path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"alias\.txt is empty"),
        ("a I II\n", r"alias\.txt:1: I and II are both in the genome"),
        ("a I\nb II\na II\n", r"alias\.txt:3: a is II here and I further up"),
    ],
)
def test_bad_alias_file(write, text, message):
    with pytest.raises(InputError, match=message):
        match(chroms("I", "II"), ["a"], str(write("alias.txt", text)))


def test_misspelt_alias():
    message = (
        "--chrom_alias=uscs: expected none, auto, ucsc, ensembl or a file, and there is no such "
        r"file\. Did you mean 'ucsc'\?"
    )
    with pytest.raises(InputError, match=message):
        match(YEAST, ["chr1"], "uscs")


def test_blanks_around_a_name_can_be_seen():
    assert listed(["chr1", " chr1"]) == "chr1, ' chr1'"
