import numpy as np

from genokeras.layers.one_hot import OneHot
from genokeras.layers.strands import BothStrands, MeanOfStrands
from tfrecords import sequence, strands
from tfrecords.schema import Feature, Schema

TEXTS = ["GATTACA-", "CCGN-AAT"]


def test_the_second_half_is_the_reverse_complement():
    packed = sequence.encode(TEXTS, 8)
    (one_hot, mask), (opposite, opposite_mask) = (
        OneHot(8)(p) for p in (packed, sequence.reverse_complement(packed, 8))
    )
    both, both_masks = BothStrands()(one_hot), BothStrands()(mask)
    np.testing.assert_array_equal(both, np.concatenate([one_hot, opposite]))
    np.testing.assert_array_equal(both_masks, np.concatenate([mask, opposite_mask]))


def test_training_sees_what_it_is_given():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(MeanOfStrands((2, 1, 0))(x, training=True), x)
    one_hot = np.eye(4, dtype=np.float32)[None]
    np.testing.assert_array_equal(BothStrands()(one_hot, training=True), one_hot)


def test_mean_of_strands_pairs_the_tasks():
    """Tasks 0 and 1 are the plus and the minus strand of one assay, task 2 has no strand."""
    given, opposite = np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 20.0, 30.0]])
    logits = np.concatenate([given, opposite])
    np.testing.assert_allclose(MeanOfStrands()(logits), [[5.5, 11, 16.5]])
    np.testing.assert_allclose(MeanOfStrands((1, 0, 2))(logits), [[10.5, 6, 16.5]])


def test_mean_of_strands_reads_tracks_backwards():
    """Bin 0 of the opposite strand lies on the same bases as the last bin of the given one."""
    given = np.arange(6.0).reshape(1, 3, 2)
    opposite = np.array([[[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]])
    tracks = np.concatenate([given, opposite])
    expected = [[[25, 30.5], [16, 21.5], [7, 12.5]]]
    np.testing.assert_allclose(MeanOfStrands()(tracks), expected)
    expected = [[[30, 25.5], [21, 16.5], [12, 7.5]]]
    np.testing.assert_allclose(MeanOfStrands((1, 0))(tracks), expected)
    np.testing.assert_array_equal(MeanOfStrands((1, 0))(tracks, training=True), tracks)


def test_cut_sites_of_the_opposite_strand_are_one_base_further_on():
    """What turning the mean's own prediction gives must be the prediction of what is turned."""
    given = np.random.default_rng(0).random((1, 5, 3))
    turned = {"targets": given.copy()}
    schema = Schema((Feature("targets", "float32", (5, 3)),))
    strands.turn(turned, np.arange(1), schema, (1, 0, 2), (0, 1))
    # A perfect model says of the opposite strand what turning makes of the given one.
    opposite = np.nan_to_num(turned["targets"], nan=99)
    mean = MeanOfStrands((1, 0, 2), (0, 1))(np.concatenate([given, opposite]))
    np.testing.assert_allclose(mean, given, rtol=1e-6)
    unmoved = MeanOfStrands((1, 0, 2))(np.concatenate([given, opposite]))
    assert np.abs(unmoved - given)[:, 1:, :2].min() > 1e-3
    np.testing.assert_allclose(unmoved[..., 2], given[..., 2], rtol=1e-6)


def test_configs_are_complete(assert_config_complete):
    assert_config_complete(MeanOfStrands((1, 0), (0, 1)))
    assert_config_complete(MeanOfStrands())
    assert_config_complete(BothStrands(name="both"))
