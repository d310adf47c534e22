"""The audit in words names every kind that was looked for, and no other."""

from data_prep.audit_text import describe_audit

AUDIT = {
    "rows": {"train": 50, "test": 10},
    "distinct": {"train": 48, "test": 10},
    "reverse_complement_repeats": {"train": 1, "test": 0},
    "dropped": {"train": 3, "test": 0},
    "shared": {"train/test": {"sequences": 3, "only_reverse_complement": 2}},
    "conflicts": {"sequences": 4},
}


def test_a_line_for_every_kind():
    more = {
        "near_duplicates": [5, 4],
        "overlap_bp": 120,
        "overlapping_windows": [2, 1],
        "shared_groups": 6,
        "rows_of_shared_groups": [9, 8],
    }
    pairs = {"train/test": AUDIT["shared"]["train/test"] | more}
    assert list(describe_audit(AUDIT | {"shared": pairs})) == [
        "  train: 50 rows, 48 distinct, 1 repeats on the other strand, 3 dropped",
        "  test: 10 rows, 10 distinct, 0 repeats on the other strand, 0 dropped",
        "  train/test  copies               3 in both, 2 of them only on the other strand",
        "  train/test  near duplicates      5 of 47 rows of train, 4 of 10 rows of test",
        "  train/test  overlapping windows  120 bp; 2 of 47 rows of train, 1 of 10 rows of test",
        "  train/test  shared groups        6; 9 of 47 rows of train, 8 of 10 rows of test",
        "  sequences with different labels: 4",
    ]


def test_the_match_of_negatives_is_told():
    match = {
        "negatives": 40,
        "positives": 20,
        "gc_of_negatives": 0.4,
        "gc_of_positives": 0.41,
        "largest_gc_difference": 0.05,
    }
    # As a manifest holds them, sorted by name; told in the order of the splits.
    found = {"test": match | {"is_poor": True}, "train": match | {"is_poor": False}}
    lines = [x for x in describe_audit(AUDIT | {"gc_match": found}) if "GC" in x]
    text = (
        "GC content           0.400 of 40 negatives, 0.410 of 20 positives; the cumulative "
        "distributions differ by 0.050 at most"
    )
    assert lines == [f"  train       {text}", f"  test        {text} (poor)"]


def test_what_was_not_looked_for_is_not_there():
    found = [line for line in describe_audit(AUDIT) if "train/test" in line]
    assert found == [
        "  train/test  copies               3 in both, 2 of them only on the other strand"
    ]
