"""What splits share is said of the split that was scored, and how bad it is."""

import pytest

from genokeras.evaluation.leak_findings import leak_findings


def found(split="test", **shared):
    """The levels and texts of the findings, if test shares this with train and valid nothing."""
    pairs = {"train/test": {"sequences": 0} | shared, "train/valid": {"sequences": 0}}
    audit = {"shared": pairs, "conflicts": {"sequences": 0}, "on_leak": "drop"}
    return [(finding.level, finding.text) for finding in leak_findings(split, audit)]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([900, 70], "Much alike, as repeats and homologous genes are: 70 to one of train."),
        ([0, 0], "Nor is any much like one of another."),
    ],
)
def test_near_duplicates_are_counted_in_the_split_that_was_scored(counts, text):
    no_copies = "No sequence of the test split is in another one, on either strand."
    assert found(near_duplicates=counts) == [("good", f"{no_copies} {text}")]


@pytest.mark.parametrize(
    ("shared", "text"),
    [
        ({"overlapping_windows": [8, 5]}, "5 overlap train"),
        ({"rows_of_shared_groups": [8, 1200]}, "1,200 are of groups of train"),
    ],
)
def test_windows_that_overlap_and_groups_in_two_splits_are_bad(shared, text):
    assert ("bad", f"Of the rows of the test split {text}: scores flatter.") in found(**shared)
    assert [level for level, _ in found("valid", **shared)] == ["good"]
