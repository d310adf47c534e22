"""An example on its opposite strand: the same molecule, read from the other end."""

import numpy as np
import pytest

from tfrecords import sequence, strands
from tfrecords.errors import InputError
from tfrecords.schema import Feature, Schema

ALL = np.arange(2)


def test_dna_fields_are_reverse_complemented_and_others_stay():
    schema = Schema((Feature("enhancer", "uint8", (2,), 4), Feature("row", "int64", ())))
    batch = {"enhancer": sequence.encode(["AACG", "TTTT"], 4), "row": np.array([3, 4])}
    strands.turn(batch, np.array([0]), schema, None)
    assert sequence.decode(batch["enhancer"], 4) == ["CGTT", "TTTT"]
    assert batch["row"].tolist() == [3, 4]


def test_paired_tasks_are_swapped_with_their_weights():
    schema = Schema((Feature("targets", "float32", (3,)), Feature("weight", "float32", (3,))))
    batch = {
        "targets": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
        "weight": np.array([[0, 1, 1], [1, 1, 1]], np.float32),
    }
    strands.turn(batch, ALL, schema, (1, 0, 2))
    assert batch["targets"].tolist() == [[2, 1, 3], [5, 4, 6]]
    assert batch["weight"].tolist() == [[1, 0, 1], [1, 1, 1]]


def test_tracks_run_backwards():
    # Two bins of two tasks (plus and minus strand of one assay), which change places.
    schema = Schema((Feature("targets", "float32", (2, 2)),))
    batch = {"targets": np.array([[[1, 10], [2, 20]], [[3, 30], [4, 40]]], np.float32)}
    strands.turn(batch, np.array([1]), schema, (1, 0))
    assert batch["targets"].tolist() == [[[1, 10], [2, 20]], [[40, 4], [30, 3]]]


def test_strand_changes_its_sign():
    batch = {"strand": np.array([1, -1, 0], np.int8)}
    strands.turn(batch, np.arange(3), Schema((Feature("strand", "int8", ()),)), None)
    assert batch["strand"].tolist() == [-1, 1, 0]


def test_turning_twice_changes_nothing():
    rng = np.random.default_rng(0)
    schema = Schema((Feature("sequence", "uint8", (3,), 5), Feature("targets", "float32", (4, 2))))
    texts = ["".join(text) for text in rng.choice(list("ACGTN-"), (2, 5))]
    batch = {
        "sequence": sequence.encode(texts, 5),
        "targets": rng.normal(size=(2, 4, 2)).astype(np.float32),
    }
    before = {name: values.copy() for name, values in batch.items()}
    for _ in range(2):
        strands.turn(batch, ALL, schema, (1, 0))
    for name, values in before.items():
        np.testing.assert_array_equal(batch[name], values)


def test_without_dna_there_is_nothing_to_turn():
    assert not strands.has_dna(Schema((Feature("features", "float32", (9,)),)))
    assert strands.has_dna(Schema((Feature("promoter", "uint8", (2,), 3),)))


def test_repeat_bits_run_backwards_base_by_base():
    schema = Schema((Feature("sequence", "uint8", (5,), 9), Feature("repeat", "uint8", (2,))))
    is_repeat = np.array([[1, 1, 0, 0, 0, 0, 0, 1, 0]], np.uint8)
    batch = {
        "sequence": sequence.encode(["ACGTACGTA"], 9),
        "repeat": np.packbits(is_repeat, axis=1),
    }
    strands.turn(batch, np.arange(1), schema, None)
    found = np.unpackbits(batch["repeat"], axis=1, count=9)
    assert found.tolist() == [[0, 1, 0, 0, 0, 0, 0, 1, 1]]


CUTS = Schema((Feature("sequence", "uint8", (4,), 8), Feature("targets", "float16", (8, 3))))


def cuts_of(*tracks):
    return {"targets": np.array(tracks, np.float16).T[None]}


def test_cut_sites_move_by_one_base_by_hand():
    """A cut before base 2 of 8 is one before base 6 from the other end; coverage goes to base 5."""
    track = [0, 1, 5, 0, 0, 0, 0, 9]
    batch = cuts_of(track, track, track)
    strands.turn(batch, np.arange(1), CUTS, None, (0, 2))
    moved = [np.nan, 9, 0, 0, 0, 0, 5, 1]
    expected = np.array([moved, track[::-1], moved]).T
    np.testing.assert_array_equal(batch["targets"][0], expected)


def test_cuts_of_a_palindrome_stay_where_they_are():
    """GAATTC reads the same from both ends, and EcoRI cuts G|AATTC on either strand.

    The site begins at base 1 of 8. The given strand is cut before base 2, the other one before base
    6: two tracks that are each other's strand. Both strands see the same molecule.
    """
    schema = Schema((Feature("sequence", "uint8", (4,), 8), Feature("targets", "float16", (8, 2))))
    dna = sequence.encode(["CGAATTCG"], 8)
    tracks = np.zeros((1, 8, 2), np.float16)
    tracks[0, 2, 0] = tracks[0, 6, 1] = 1
    batch = {"sequence": dna.copy(), "targets": tracks.copy()}
    strands.turn(batch, np.arange(1), schema, (1, 0), (0, 1))
    np.testing.assert_array_equal(batch["sequence"], dna)
    assert np.isnan(batch["targets"][0, 0]).all()
    np.testing.assert_array_equal(batch["targets"][0, 1:], tracks[0, 1:])
    # Without the move a model would be told two different things of one sequence.
    batch = {"sequence": dna.copy(), "targets": tracks.copy()}
    strands.turn(batch, np.arange(1), schema, (1, 0))
    assert np.flatnonzero(batch["targets"][0, :, 0]).tolist() == [1]


def test_cut_sites_turned_twice_are_back_but_for_the_first():
    tracks = np.random.default_rng(0).integers(0, 99, (5, 8, 3)).astype(np.float16)
    batch = {"targets": tracks.copy()}
    for _ in range(2):
        strands.turn(batch, np.array([0, 3]), CUTS, (1, 0, 2), (0, 1))
    expected = tracks.copy()
    expected[[0, 3], 0, :2] = np.nan
    np.testing.assert_array_equal(batch["targets"], expected)


@pytest.mark.parametrize(
    ("cut_sites", "bin_bp", "message"),
    [
        ((0,), 32, "cut sites need bin_bp 1, not 32: on the opposite strand they move by one base"),
        ((2, 2), 1, r"cut_sites \[2, 2\], expected numbers of the 3 tasks, in order"),
        ((3,), 1, "expected numbers of the 3 tasks"),
        ((0, 2), 1, r"cut_sites \[0, 2\] without their partners on the other strand, \[1\]"),
    ],
)
def test_cut_sites_that_cannot_be(cut_sites, bin_bp, message):
    with pytest.raises(InputError, match=message):
        strands.check_cut_sites(cut_sites, 3, bin_bp, (1, 0, 2))
