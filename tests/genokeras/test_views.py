"""Views of stored sequences: mutations at their rate, what is kept, shifts, strands."""

import keras
import numpy as np
import pytest
from scipy import stats

from genokeras.models.spec import Spec
from genokeras.views import ViewAugmentation, check, vary
from tfrecords import sequence
from tfrecords.errors import InputError

SPEC = Spec(50, (), "unlabelled", shift_bp=4)
KEYS = np.arange(300, dtype=np.uint32) * 977
_ALL = {f"{event}_rate": 0.9 for event in ("deletion", "insertion", "inversion", "translocation")}
_ALL |= {"mutation_rate": 0.3, "mask_rate": 0.2, "mask_span_bp": 3}
_ALL |= {"insert_motifs": ("GGATCC",), "insert_rate": 0.5}


def stored(rows=300, length=58, seed=0):
    letters = np.random.default_rng(seed).choice(list("ACGT"), (rows, length))
    return sequence.encode(["".join(row) for row in letters], length)


def view(packed, spec=SPEC, keys=KEYS, **changes):
    config = ViewAugmentation(**{"reverse_complement_rate": 0.0} | changes)
    packed, keys = map(keras.ops.convert_to_tensor, (packed, keys))
    return [keras.ops.convert_to_numpy(x) for x in vary(config, spec, packed, keys)]


def test_nothing_set_gives_a_shifted_window():
    given = stored()
    windows, changed = view(given)
    assert (changed == 0).all()
    whole = sequence.decode(given, 58)
    places = [text.find(w) for text, w in zip(whole, sequence.decode(windows, 50), strict=True)]
    assert set(places) == set(range(9))


def test_three_quarters_of_the_drawn_bases_mutate():
    """The effective rate of uniform draws is 3/4 of the nominal one."""
    spec = Spec(58, (), "unlabelled")
    given = stored()
    windows, changed = view(given, spec, mutation_rate=0.2)
    before, after = (sequence.unpack(x, 58, ambiguous="one") for x in (given, windows))
    is_changed = (before != after).any(axis=-1)
    assert stats.binomtest(int(is_changed.sum()), is_changed.size, 0.15).pvalue > 1e-3
    np.testing.assert_allclose(changed, is_changed.mean(axis=1), rtol=1e-5)


def test_what_is_kept_is_left_alone_by_everything():
    given = stored()
    windows, _ = view(given, max_shift_bp=0, keep_bp=(10, 20, 30, 35), **_ALL)
    kept, others = [*range(10, 20), *range(30, 35)], [*range(0, 10), *range(20, 30)]
    before = sequence.unpack(sequence.crop(given, 58, 4, 50), 50, ambiguous="one")
    after = sequence.unpack(windows, 50, ambiguous="one")
    is_changed = (before != after).any(axis=-1)
    assert not is_changed[:, kept].any()
    assert is_changed[:, others].mean() > 0.4


def test_views_are_a_function_of_key_and_sequence():
    given, order = stored(), np.array([9, 0, 200])
    whole, _ = view(given, reverse_complement_rate=0.5, **_ALL)
    again, _ = view(given[order], keys=KEYS[order], reverse_complement_rate=0.5, **_ALL)
    other, _ = view(given, keys=KEYS + 1, reverse_complement_rate=0.5, **_ALL)
    np.testing.assert_array_equal(again, whole[order])
    assert (whole != other).any(axis=1).mean() > 0.99


def test_turned_views_are_the_opposite_strand():
    given = stored()
    plain, _ = view(given, mutation_rate=0.1)
    turned, _ = view(given, mutation_rate=0.1, reverse_complement_rate=1.0)
    np.testing.assert_array_equal(turned, sequence.reverse_complement(plain, 50))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deletion_rate": 1.0}, r"deletion_rate must be in \[0, 1\), got 1.0"),
        ({"noise": -0.1}, "noise must be at least 0, got -0.1"),
        ({"event_bp": 70000}, "event_bp must be at most 65536, got 70000"),
        ({"reverse_complement_rate": 1.5}, r"must be in \[0, 1\], got 1.5"),
        ({"keep_bp": (3,)}, "keep_bp must be begin,end of intervals, begin < end, got 3"),
        ({"keep_bp": (8, 5)}, "begin < end, got 8,5"),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(InputError, match=message):
        ViewAugmentation(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event_bp": 51}, "event_bp=51 does not fit into windows of 50 bp"),
        ({"keep_bp": (40, 60)}, "keep_bp ends at 60, windows at 50"),
        ({"max_shift_bp": 9}, "max_shift_bp=9, but the dataset stores 4 bp"),
    ],
)
def test_what_data_do_not_allow(changes, message):
    with pytest.raises(InputError, match=message):
        check(ViewAugmentation(**changes), SPEC)
