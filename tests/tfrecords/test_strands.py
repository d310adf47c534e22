"""An example on its opposite strand: the same molecule, read from the other end."""

import numpy as np

from tfrecords import sequence, strands
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
