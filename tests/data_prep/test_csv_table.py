"""Tables as people have them: GUE, the book chapter's, DeepBind's, and tables with many tasks."""

import numpy as np
import pytest

from data_prep.csv_table import CsvTable
from tfrecords import sequence
from tfrecords.errors import InputError


def read(table, size=1000):
    batches = list(table.batches(size))
    columns = {
        name: np.concatenate([batch.columns[name] for batch in batches])
        for name in ("sequence", "targets")
    }
    texts = sequence.decode(columns["sequence"], table.length)
    return texts, columns["targets"].tolist(), [code for batch in batches for code in batch.split]


def test_gue_files_have_the_rows_that_were_counted(gue_tf0):
    files = {split: gue_tf0 / f"{split}.csv.gz" for split in ("train", "dev", "test")}
    table = CsvTable(files)
    assert (table.length, table.tasks, table.unsplit) == (101, ("label",), "")
    texts, targets, splits = read(table)
    assert [entry["num_rows"] for entry in table.inputs] == [32378, 1000, 1000]
    assert np.bincount(splits).tolist() == [32378, 1000, 1000]
    assert texts[0].startswith("CTGTGGTGCCTGCAGACAAAGCAGG")
    assert sum(target for (target,) in targets[:32378]) == 16172


def test_tables_of_the_book_chapter(write):
    header = "sequence,label,transcription_factor,subset\n"
    files = {
        split: write(f"CTCF_{split}_sequences.csv", f"{header}ACGT,{number % 2},CTCF,{split}\n")
        for number, split in enumerate(["train", "valid", "test"])
    }
    table = CsvTable(files)
    assert read(table) == (["ACGT"] * 3, [[0], [1], [0]], [0, 1, 2])
    assert table.tasks == ("label",)
    assert table.notes == (
        "Columns read: sequence, label; not read: transcription_factor, subset.",
    )


def test_deepbind_tables(write):
    header = "FoldID\tEventID\tseq\tBound\n"
    train = write("ARID3A_AC.seq.gz", header + "A\tseq_00001_peak\tACGT\t1\n")
    test = write("ARID3A_B.seq.gz", header + "A\tseq_2_peak\tACGG\t1\nA\tseq_2_shuf\tCAGG\t0\n")
    table = CsvTable({"train": train, "test": test})
    assert read(table) == (["ACGT", "ACGG", "CAGG"], [[1], [1], [0]], [0, 2, 2])
    assert table.notes == ("Columns read: seq, Bound; not read: FoldID, EventID.",)


def test_real_deepbind_tables(more_data):
    folder = more_data("tf_binding/deepbind")
    table = CsvTable({"train": folder / "ELK1_AC.seq.gz", "test": folder / "ELK1_B.seq.gz"})
    _, targets, splits = read(table)
    labels = np.array(targets)[:, 0], np.array(splits)
    assert (labels[0][labels[1] == 0] == 1).all()
    assert np.bincount(labels[0][labels[1] == 2].astype(int)).tolist() == [500, 500]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_split_column_in_any_case_and_by_any_name(write, size):
    text = "sequence\tlabel\tsubset\n"
    names = ["train", "Training", "VALID", "val", "dev", "validation", " test "]
    text += "".join(f"ACGT\t1\t{name}\n" for name in names)
    table = CsvTable(write("all.tsv", text), split_column="subset")
    assert read(table, size)[2] == [0, 0, 1, 1, 1, 1, 2]


def test_several_tasks_with_missing_labels(write):
    table = CsvTable(write("a.csv", "sequence,CTCF,MYC\nACGT,1,\nCCGT,NA,0\nGGGT,,nan\n"))
    assert table.tasks == ("CTCF", "MYC")
    np.testing.assert_array_equal(read(table)[1], [[1, np.nan], [np.nan, 0], [np.nan, np.nan]])


def test_columns_may_stand_in_another_order_in_another_file(write):
    train = write("a.csv", "sequence,label\nACGT,1\n")
    test = write("b.tsv", "label\tid\tsequence\n0\tx\tCCGT\n")
    assert read(CsvTable({"train": train, "test": test}))[:2] == (["ACGT", "CCGT"], [[1], [0]])


def test_windows_longer_than_the_csv_module_allows(write):
    text = "ACGTTGCA" * 25_000
    table = CsvTable(write("a.csv", f'sequence,label\n{text},1\n"{text}",0\n'))
    assert read(table) == ([text, text], [[1], [0]], [-1, -1])


def test_lengths_are_made_equal_only_on_request(write):
    path = write("a.csv", "sequence,label\nACGT,1\n\nACGTT,0\n")
    with pytest.raises(InputError, match=r"a\.csv:4: the sequence has 5 bases, those before it 4"):
        read(CsvTable(path))
    assert read(CsvTable(path, length=2))[0] == ["CG", "CG"]
    assert read(CsvTable(path, length=6))[0] == ["-ACGT-", "ACGTT-"]


def test_rows_without_a_split_are_said_to_be(write):
    path = write("a.csv", "sequence,label,subset\nACGT,1,train\n")
    assert CsvTable(path).unsplit == (
        f"{path} does not say which rows are for training (--split_column=subset may be what you "
        "want)"
    )
    assert CsvTable(path, split_column="subset").unsplit == ""
    assert CsvTable({"train": path}).unsplit == ""


def test_manifest_gets_no_paths(write):
    table = CsvTable({"train": write("a.csv", "sequence,label\nACGT,1\n")})
    list(table.batches(10))
    assert table.flags["files"] == {"train": ["a.csv"]}
    assert table.inputs[0]["file"] == "a.csv"
    assert "/" not in str(table.flags) + str(table.inputs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,label\n", r"a\.csv has a header and no rows"),
        ("sequence,label\n\n\n", r"a\.csv has a header and no rows"),
        ("sequence,label\n,1\n", r"a\.csv:2: the sequence is empty"),
        ("sequence,label\nACGT,1\nACGT\n", r"a\.csv:3: 1 cells, but the header names 2"),
        ("sequence,label\nACGT,1\nACGT,yes\n", r"a\.csv:3: label is 'yes', expected a number"),
        ("sequence,label\nACGT,inf\n", r"a\.csv:2: label is 'inf', expected a number"),
        ("sequence,label\nACGT,1\nACZT,1\n", r"a\.csv:3: position 2: 'Z' is no base"),
        ('sequence,label\n"ACGT,1\n', r"a\.csv:2: unexpected end of data"),
        ("ACGT,1\nACGG,0\n", r"a\.csv:1: no column is named like a sequence; the columns are A"),
    ],
)
def test_broken_tables(write, text, message):
    with pytest.raises(InputError, match=message):
        read(CsvTable(write("a.csv", text)))


def test_unknown_split_is_an_error_with_its_line(write):
    path = write("a.csv", "sequence,label,set\nACGT,1,train\nACGG,0,trian\n")
    with pytest.raises(
        InputError,
        match=r"a\.csv:3: column 'set': 'trian' is no split; known are train, valid \(also val, "
        r"dev\) and test. Did you mean 'train'",
    ):
        read(CsvTable(path, split_column="set"))


def test_files_that_do_not_fit_together(write):
    one, two = write("a.csv", "seq,label\nA,1\n"), write("b.csv", "seq,Bound\nA,1\n")
    with pytest.raises(InputError, match=r"b\.csv:1: the labels are Bound, but those of .*a\.csv"):
        CsvTable({"train": one, "test": two})
    with pytest.raises(InputError, match=r"a\.csv was given twice"):
        CsvTable({"train": one, "test": one})
    with pytest.raises(InputError, match="--split_column=set needs --input; the files given are"):
        CsvTable({"train": one}, split_column="set")
    with pytest.raises(InputError, match="'holdout' is no split"):
        CsvTable({"holdout": one})
    with pytest.raises(InputError, match="no input file was given"):
        CsvTable([])


def test_tables_without_labels_are_positives_only_if_asked(write):
    train = write("train.tsv", "name\tseq\npeak_1\tACGT\npeak_2\tCCGT\n")
    test = write("test.csv", "sequence,bound\nACGG,1\nCAGG,0\n")
    table = CsvTable({"train": train, "test": test}, positives=True)
    assert read(table) == (["ACGT", "CCGT", "ACGG", "CAGG"], [[1], [1], [1], [0]], [0, 0, 2, 2])
    assert table.tasks == ("bound",)
    assert table.notes == (
        "Columns read: seq, bound; not read: name.",
        f"No labels, so all rows are positives: {train}.",
    )
    with pytest.raises(InputError, match="if all rows are positives, --negatives=dinucleotide_shu"):
        CsvTable({"train": train, "test": test})


def test_labels_that_are_asked_for_must_be_there_even_among_positives(write):
    table = write("a.csv", "name,sequence\na,ACGT\n")
    with pytest.raises(InputError, match="there is no column 'bound'"):
        CsvTable({"train": table}, target_columns=["bound"], positives=True)


def test_positives_of_several_tasks_are_positive_in_each(write):
    train = write("train.csv", "sequence\nACGT\n")
    test = write("test.csv", "sequence,label_a,label_b\nACGG,1,0\n")
    table = CsvTable({"train": train, "test": test}, positives=True)
    assert read(table)[1] == [[1, 1], [1, 0]]


def groups(table):
    return [number for batch in table.batches(2) for number in batch.group.tolist()]


def test_groups_are_numbered_by_their_text(write):
    one = write("a.csv", "sequence,label,gene\nACGT,1,TP53\nCCGT,0, MYC \nGGGT,0,TP53\n")
    two = write("b.tsv", "gene\tsequence\tlabel\nMYC\tTTGT\t1\nmyc\tTTTT\t1\n")
    found = groups(CsvTable([one, two], group_column="gene"))
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert len(set(found)) == 3
    assert CsvTable(one, group_column="gene").flags["group_column"] == "gene"
    assert "group_column" not in CsvTable(one).flags
    assert next(CsvTable(one).batches(9)).group is None


def test_a_row_without_a_group_is_refused(write):
    table = CsvTable(
        write("a.csv", "sequence,label,gene\nACGT,1,x\nCCGT,0, \n"), group_column="gene"
    )
    message = r"a\.csv:3: column 'gene' is empty, expected the group of the row; give a row that "
    with pytest.raises(InputError, match=message):
        groups(table)


def test_a_column_of_groups_that_cannot_be(write):
    path = write("a.csv", "sequence,label,gene\nACGT,1,x\n")
    with pytest.raises(InputError, match=r"a\.csv:1: there is no column 'genes'; .* mean 'gene'"):
        CsvTable(path, group_column="genes")
    with pytest.raises(InputError, match=r"column 'gene' cannot be used for two things"):
        CsvTable(path, group_column="gene", split_column="gene")


PLACES = "sequence,label,chrom\nACGT,1,chr1\nCCGT,0, chr2 \nGGGT,0,chr3\nTTGT,0,chr1\n"


def test_rows_are_split_by_the_chromosome_that_a_column_names(write):
    chroms = {"valid": ("chr2",), "test": ("chr3",)}
    table = CsvTable(write("a.csv", PLACES), chrom_column="chrom", chroms=chroms)
    assert read(table, 2)[2] == [0, 1, 2, 0]
    assert table.unsplit == ""
    named = {name: table.flags[name] for name in ("chrom_column", "valid_chroms", "test_chroms")}
    assert named == {"chrom_column": "chrom", "valid_chroms": ["chr2"], "test_chroms": ["chr3"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chrom_column": "chrom"}, "--chrom_column=NAME goes with --valid_chroms=NAME,NAME or"),
        ({"chroms": {"test": ("chr3",)}}, "--chrom_column=NAME goes with --valid_chroms=NAME"),
        (
            {"chrom_column": "chrom", "chroms": {"test": ("chr4",)}},
            r"--test_chroms=chr4: column 'chrom' has no chromosome 'chr4'\. Did you mean .*\? "
            "Chromosomes: chr1, chr2, chr3",
        ),
        (
            {"chrom_column": "chrom", "chroms": {"valid": ("chr2",), "test": ("chr2",)}},
            "chr2 is in --valid_chroms and in --test_chroms",
        ),
        (
            {"chrom_column": "chrom", "chroms": {"test": ("chr3",)}, "split_column": "label"},
            "--chrom_column and --split_column were both given; choose one",
        ),
    ],
)
def test_chromosomes_that_cannot_be(write, options, message):
    with pytest.raises(InputError, match=message):
        read(CsvTable(write("a.csv", PLACES), **options))


def test_a_row_without_a_chromosome_and_a_file_that_is_split_already(write):
    chroms = {"chrom_column": "chrom", "chroms": {"test": ("chr1",)}}
    path = write("a.csv", "sequence,label,chrom\nACGT,1,chr1\nCCGT,0,\n")
    message = r"a\.csv:3: column 'chrom': empty, expected the name of a chromosome"
    with pytest.raises(InputError, match=message):
        read(CsvTable(path, **chroms))
    with pytest.raises(InputError, match="--chrom_column=chrom needs --input; the files given"):
        CsvTable({"train": path}, **chroms)
