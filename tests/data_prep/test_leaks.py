"""What is allowed passes; what is not is one line with splits, numbers, a case and the way out."""

import numpy as np
import pytest

from data_prep.leaks import Kind, check, shares
from tfrecords.errors import InputError

TRAIN, VALID, TEST = range(3)
IN_TRAIN, IN_VALID = 1, 2
KIND = Kind("reads", "are seen twice", "is the twin of", "look once", "twin_threshold")
# Rows 2 and 5 are twins, and so are 3 and 6; 1 is a third one of 3 and 6.
SPLIT = np.array([TRAIN, TRAIN, TRAIN, VALID, VALID, TEST, TEST, TEST], np.int8)
TWIN = np.array([0, 6, 5, 6, 4, 5, 6, 7])
FOUND = np.array([0, 6, 4, 5, 0, IN_TRAIN, IN_TRAIN | IN_VALID, 0], np.uint8)


def run(threshold, found=FOUND, is_alike=lambda row, rows: TWIN[rows] == TWIN[row]):
    check(KIND, found, SPLIT, threshold=threshold, is_alike=is_alike, name_row="read {}".format)


def test_shares_of_valid_and_test():
    assert shares(FOUND, SPLIT) == {"valid": (1, 2), "test": (2, 3)}
    assert shares(FOUND[:5], SPLIT[:5]) == {"valid": (1, 2)}


def test_as_many_as_allowed_pass():
    run(2 / 3)
    run(1)
    run(None, found=np.zeros(8, np.uint8))


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (
            0.6,
            r"^2 of 3 reads of test \(66\.7%\) are seen twice \(train 2, valid 1\), more than "
            r"--twin_threshold=0\.6: read 5 is the twin of read 2 of train, for example; look "
            r"once, or allow it with --twin_threshold=1$",
        ),
        (
            None,
            r"^1 of 2 reads of valid \(50\.0%\) are seen twice \(train 1, test 1\): read 3 is the "
            r"twin of read 1 of train, for example; look once, or keep them with --on_leak=warn$",
        ),
    ],
)
def test_more_is_an_error(threshold, message):
    with pytest.raises(InputError, match=message):
        run(threshold)


def test_rows_made_of_others_may_be_left_out():
    """Of the first six rows one of valid shares something, and the only one of test."""
    with pytest.raises(InputError, match="1 of 1 reads of test"):
        run(0.5, found=FOUND[:6])


def test_what_is_said_to_be_shared_must_be():
    with pytest.raises(ValueError, match="row 5 shares nothing with train"):
        run(0.6, is_alike=lambda row, rows: np.zeros(len(SPLIT[rows]), bool))
