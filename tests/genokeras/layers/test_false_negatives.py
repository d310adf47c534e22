import numpy as np

from genokeras.layers.false_negatives import false_negatives


def test_overlaps_twins_and_padding_are_false_negatives():
    batch = {
        "identity": np.array([1, 2, 3, 1, 5, 6], np.int32),
        "is_example": np.array([1, 1, 1, 1, 1, 0], np.int32),
        "chrom_id": np.array([0, 0, 0, 1, -1, -1], np.int32),
        "start": np.array([0, 90, 100, 0, 0, 0], np.int32),
    }
    batch["end"] = batch["start"] + 100
    found = np.asarray(false_negatives(batch, batch))
    # Window 0 ends where 2 begins; 1 overlaps both; 3 is on another chromosome, but of the same
    # DNA as 0; 4 and 5 are nowhere, and 5 is padding.
    expected = np.eye(6, dtype=bool)
    for pair in ((0, 1), (1, 2), (0, 3)):
        expected[pair] = expected[pair[::-1]] = True
    expected[:, 5] = True
    np.testing.assert_array_equal(found, expected)
    for name in ("chrom_id", "start", "end"):
        del batch[name]
    expected[0, 1] = expected[1, 0] = expected[1, 2] = expected[2, 1] = False
    half = {name: values[:2] for name, values in batch.items()}
    np.testing.assert_array_equal(false_negatives(half, batch), expected[:2])
