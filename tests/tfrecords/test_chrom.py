"""Places in the genome as numbers."""

import numpy as np

from tfrecords.chrom import PLACE_BITS, place


def test_places_sort_by_chromosome_then_position():
    chrom_id, position = np.array([1, 0, 1, 0], np.int32), np.array([5, 10**11, 4, 9])
    numbers = place(chrom_id, position)
    assert np.argsort(numbers).tolist() == [3, 1, 2, 0]
    assert (numbers >> PLACE_BITS).tolist() == chrom_id.tolist()
    assert (numbers & ((1 << PLACE_BITS) - 1)).tolist() == position.tolist()
