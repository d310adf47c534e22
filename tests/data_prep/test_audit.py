"""The audit on sequences whose copies are known by construction, and on GUE's known copies."""

import numpy as np
import pytest

from data_prep.audit import DROPPED, audit
from data_prep.csv_table import CsvTable
from data_prep.sequence_keys import sequence_keys
from tfrecords import sequence
from tfrecords.errors import InputError

TRAIN, VALID, TEST = range(3)


def run(rows, **options):
    """Audits rows of (sequence, split, label)."""
    texts, splits, labels = zip(*rows, strict=True)
    keys, is_reverse = sequence_keys(sequence.encode(texts, len(texts[0])), len(texts[0]))
    targets = np.array(labels, np.float32).reshape(len(rows), -1)
    numbers = 100 + np.arange(len(rows))
    split = np.array(splits, np.int8)
    return audit(keys, is_reverse.astype(np.uint8), split, targets, numbers, **options)


def with_others(rows, count=40):
    """Adds as many rows, each unlike all others, to every split."""
    others = [f"CC{number:08b}".replace("0", "A").replace("1", "C") for number in range(3 * count)]
    return [*rows, *((text, number % 3, 0) for number, text in enumerate(others))]


ROWS = with_others(
    [
        ("GATTACAGGT", TRAIN, 1),
        ("ACCTGTAATC", VALID, 1),  # The reverse complement of the first.
        ("GGGGTTTTAA", TRAIN, 0),
        ("GGGGTTTTAA", TEST, 0),
        ("TTGTGTGTGA", VALID, 0),
        ("TTGTGTGTGA", TEST, 0),
    ]
)


def test_drop_takes_shared_sequences_out_of_the_training_side():
    result = run(ROWS)
    assert result.split[:6].tolist() == [DROPPED, VALID, DROPPED, TEST, DROPPED, TEST]
    assert (result.split[6:] >= 0).all()
    assert result.report["dropped"] == {"train": 2, "valid": 1, "test": 0}
    assert result.report["shared"] == {
        "train/valid": {"sequences": 1, "only_reverse_complement": 1},
        "train/test": {"sequences": 1, "only_reverse_complement": 0},
        "valid/test": {"sequences": 1, "only_reverse_complement": 0},
    }
    assert result.lines == (
        "Warning: train and valid share 1 sequence, train and test share 1 sequence, valid and "
        "test share 1 sequence, on either strand; dropped 2 of train, 1 of valid.",
    )


def test_rows_made_of_others_do_not_count_towards_the_threshold():
    """One of two test rows is a copy; 40 made rows in every split do not make that few."""
    given = [("GATTACAGGT", TRAIN, 1), ("GATTACAGGT", TEST, 1), ("TTGTGTGTGA", TEST, 1)]
    assert run(with_others(given), leak_threshold=0.05).report["dropped"]["train"] == 1
    message = r"1 of 2 sequences of test \(50.0%\) are in another split too"
    with pytest.raises(InputError, match=message):
        run(with_others(given), leak_threshold=0.05, num_given=3)
    # Nor do they make it more: here it is a made row that is in test.
    made = [("TTGTGTGTGA", TEST, 1), ("CCCCTTTTGG", TEST, 1), ("GATTACAGGT", TRAIN, 1)]
    copies = [("GATTACAGGT", TEST, 0)] * 5
    assert run([*made, *copies], num_given=3).split[2] == DROPPED


def test_a_sequence_in_all_splits_stays_in_test_only():
    result = run(
        with_others([("GATTACAGGT", TEST, 1), ("GATTACAGGT", TRAIN, 1), ("GATTACAGGT", 1, 1)])
    )
    assert result.split[:3].tolist() == [TEST, DROPPED, DROPPED]


def test_warn_keeps_and_error_stops():
    result = run(ROWS, on_leak="warn")
    assert (result.split >= 0).all()
    assert result.report["dropped"] == {"train": 0, "valid": 0, "test": 0}
    assert result.lines[0].endswith("on either strand; all were kept (--on_leak=warn).")
    message = (
        r"^2 of 42 sequences of valid \(4.8%\) are in another split too \(train 1, test 1\): row 1 "
        r"is a copy of row 0 of train, for example; split the data anew .*, or take them out of "
        r"the training side with --on_leak=drop$"
    )
    with pytest.raises(InputError, match=message):
        run(ROWS, on_leak="error")


@pytest.mark.parametrize("on_leak", ["drop", "warn"])
def test_more_than_the_threshold_is_an_error(on_leak):
    """Valid has 40 + 2 rows, of which 2 are shared: 4.76%."""
    run(ROWS, on_leak=on_leak, leak_threshold=0.048)
    with pytest.raises(
        InputError,
        match=r"^2 of 42 sequences of valid \(4.8%\) are in another split too \(train 1, test 1\), "
        r"more than --leak_threshold=0.047: row 1 is a copy of row 0 of train, for example; split "
        r"the data anew \(--split_fractions .*\), or allow it with --leak_threshold=1$",
    ):
        run(ROWS, on_leak=on_leak, leak_threshold=0.047)


def test_share_of_train_does_not_matter():
    """A small training set may well be found in a large test set."""
    rows = [("GATTACAGGT", TRAIN, 1), ("GATTACAGGT", TEST, 1), ("GGGGTTTTAA", TRAIN, 0)]
    others = [(text, TEST, label) for text, _, label in with_others([], 30)]
    assert run([*rows, *others]).report["dropped"] == {"train": 1, "test": 0}


def test_repeats_within_a_split_are_counted_and_kept():
    rows = [("GATTACAGGT", TRAIN, 1)] * 3 + [("ACCTGTAATC", TRAIN, 1), ("ACACACACAC", TEST, 0)]
    result = run(rows)
    assert (result.split >= 0).all()
    assert result.report["rows"] == {"train": 4, "test": 1}
    assert result.report["distinct"] == {"train": 1, "test": 1}
    assert result.report["repeats"] == {"train": 2, "test": 0}
    assert result.report["reverse_complement_repeats"] == {"train": 1, "test": 0}
    assert result.lines == ("Repeated within a split, on either strand: 3 of train; all kept.",)


def test_conflicting_labels_are_reported_with_their_rows():
    rows = [
        ("GATTACAGGT", TRAIN, (1, 0)),
        ("ACCTGTAATC", TRAIN, (1, 1)),
        ("GGGGTTTTAA", TRAIN, (1, np.nan)),
        ("GGGGTTTTAA", TRAIN, (np.nan, 0)),  # A missing label contradicts nothing.
    ]
    result = run(rows)
    assert result.report["conflicts"] == {"sequences": 1, "examples": [[100, 101]]}
    assert "Warning: 1 sequence occurs with different labels, in rows 100 and 101." in result.lines


def test_palindrome_is_its_own_other_strand():
    result = run([("ACCTAGGT", TRAIN, 1), ("ACCTAGGT", TRAIN, 1)])
    assert result.report["repeats"] == {"train": 1}
    assert result.report["reverse_complement_repeats"] == {"train": 0}


def audit_of_gue(folder):
    table = CsvTable({name: folder / f"{name}.csv.gz" for name in ("train", "dev", "test")})
    batches = list(table.batches(5000))
    packed = np.concatenate([batch.columns["sequence"] for batch in batches])
    targets = np.concatenate([batch.columns["targets"] for batch in batches])
    split = np.concatenate([batch.split for batch in batches])
    keys, is_reverse = sequence_keys(packed, table.length)
    report = audit(keys, is_reverse.astype(np.uint8), split, targets, np.arange(len(keys))).report
    return report["distinct"], [pair["sequences"] for pair in report["shared"].values()]


def test_gue_tf0(gue_tf0):
    distinct, shared = audit_of_gue(gue_tf0)
    assert distinct == {"train": 32370, "valid": 1000, "test": 1000}
    assert shared == [1, 0, 0]


@pytest.mark.parametrize(
    ("name", "distinct", "shared"),
    [
        ("tf1", {"train": 30672, "valid": 1000, "test": 1000}, [0, 2, 0]),
        ("tf2", {"train": 18815, "valid": 999, "test": 1000}, [19, 0, 0]),
    ],
)
def test_other_gue_data(more_data, name, distinct, shared):
    assert audit_of_gue(more_data(f"tf_binding/gue/{name}")) == (distinct, shared)
