import keras
import numpy as np
import pytest

from genokeras.layers.shifts import MeanOfShifts, ShiftedCopies

X = np.arange(1, 6, dtype=np.float32)[None, :, None]  # One example of five positions.


def test_copies_move_by_one_position_each_and_zeros_move_in():
    copies = np.asarray(ShiftedCopies(1)(X, training=False))[..., 0]
    np.testing.assert_array_equal(copies, [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 0]])


def test_masks_stay_masks():
    copies = keras.ops.convert_to_numpy(ShiftedCopies(2)(np.ones((1, 5), bool), training=False))
    assert copies.dtype == bool
    np.testing.assert_array_equal(copies.sum(axis=1), [3, 4, 5, 4, 3])


@pytest.mark.parametrize(("reach", "training"), [(0, False), (0, True), (2, True)])
def test_training_and_no_reach_do_nothing(reach, training):
    np.testing.assert_array_equal(ShiftedCopies(reach)(X, training=training), X)
    logits = np.array([[1.0], [2.0]], np.float32)
    np.testing.assert_array_equal(MeanOfShifts(reach)(logits, training=training), logits)


def test_the_mean_is_over_the_copies_of_an_example():
    """Sums of two examples: 1 + .. + 5 = 15, 5 and 1 fall out; tenfold for the second."""
    batch = np.concatenate([X, 10 * X])
    sums = np.asarray(ShiftedCopies(1)(batch, training=False)).sum(axis=1)
    mean = MeanOfShifts(1)(sums, training=False)
    np.testing.assert_allclose(mean, [[(10 + 15 + 14) / 3], [(100 + 150 + 140) / 3]], rtol=1e-6)


def test_shapes_are_those_of_the_copies():
    assert ShiftedCopies(3).compute_output_shape((8, 5, 4)) == (None, 5, 4)
    assert MeanOfShifts(3).compute_output_shape((56, 2)) == (None, 2)


def test_a_reach_below_zero_is_refused():
    with pytest.raises(ValueError, match="reach must be 0 or more, got -1"):
        ShiftedCopies(-1)


@pytest.mark.parametrize("layer", [ShiftedCopies, MeanOfShifts])
def test_the_reach_is_saved(layer):
    assert layer.from_config(layer(2).get_config()).reach == 2
