import numpy as np
import pytest

from genokeras.layers.members import MeanOfMembers, for_each_member, mean_over_members

LOGITS = [np.array([[1.0], [2.0]], np.float32), np.array([[3.0], [8.0]], np.float32)]


def test_predicting_gives_the_mean_of_the_members():
    np.testing.assert_array_equal(MeanOfMembers()(LOGITS, training=False), [[2.0], [5.0]])


def test_training_keeps_the_members_apart():
    stacked = np.asarray(MeanOfMembers()(LOGITS, training=True))
    np.testing.assert_array_equal(stacked, [[1.0], [2.0], [3.0], [8.0]])
    np.testing.assert_array_equal(mean_over_members(stacked, 2), [[2.0], [5.0]])


def test_losses_of_stacked_members_meet_the_targets_of_their_examples():
    """Squared errors (1, 4) and (9, 64) against targets of 0: 5 and 34, not 2.5 and 36.5."""
    stacked = np.asarray(MeanOfMembers()(LOGITS, training=True))
    targets = np.asarray(for_each_member(np.array([[0.0], [0.0]], np.float32), 2))
    loss = mean_over_members((stacked - targets) ** 2, 2)
    np.testing.assert_array_equal(loss, [[5.0], [34.0]])


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_one_member_changes_nothing(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(for_each_member(x, 1), x)
    np.testing.assert_array_equal(mean_over_members(x, 1), x)
