import numpy as np
import pytest

from genokeras.probing.label_order import check_fractions, label_order, num_labels
from tfrecords.errors import InputError


def test_an_order_holds_every_row_once_and_depends_on_its_key():
    targets = np.random.default_rng(0).integers(0, 2, 500)
    order = label_order(targets, True, (3, 1))
    np.testing.assert_array_equal(np.sort(order), np.arange(500))
    np.testing.assert_array_equal(order, label_order(targets, True, (3, 1)))
    assert not np.array_equal(order, label_order(targets, True, (3, 2)))
    assert not np.array_equal(order[:50], np.sort(order[:50]))


def test_no_class_is_missing_from_a_beginning():
    """Of one positive among 1000, a tenth would miss it nine times out of ten."""
    targets = np.zeros(1000)
    targets[123] = 1
    for draw in range(20):
        assert 123 in label_order(targets, True, (draw,))[:2]
    # The control: numbers are no classes.
    found = [123 in label_order(targets, False, (draw,))[:100] for draw in range(20)]
    assert sum(found) < 10


def test_else_a_beginning_is_what_a_random_draw_gives():
    targets = np.arange(1000) % 2
    drawn = np.random.default_rng((7,)).permutation(1000)
    order = label_order(targets, True, (7,))
    assert set(order[:20]) == set(drawn[:20])
    shares = [targets[label_order(targets, True, (draw,))[:100]].mean() for draw in range(200)]
    assert abs(np.mean(shares) - 0.5) < 3 * 0.05 / np.sqrt(200)


def test_numbers_of_labels():
    assert [num_labels(1000, share) for share in (0.001, 0.01, 0.1, 1)] == [2, 10, 100, 1000]
    assert num_labels(1, 0.5) == 1


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((), r"fractions \(none\): expected some, each once, as 0.01,0.1,1"),
        ((0.1, 0.1), "fractions 0.1,0.1: expected some, each once"),
        ((0.0, 1.0), "fractions 0,1: expected shares of the labels, above 0 and up to 1"),
        ((10.0,), "fractions 10: expected shares of the labels"),
    ],
)
def test_fractions_that_are_none_are_refused(fractions, message):
    with pytest.raises(InputError, match=message):
        check_fractions(fractions)
