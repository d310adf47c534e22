"""Every item has its turn; after an error no further call begins, and those under way are told."""

import threading

import pytest

from tfrecords.parallel import for_each


def test_every_item_has_its_turn_several_at_a_time():
    together, seen = threading.Barrier(8, timeout=20), []

    def call(item, cancelled):
        together.wait()
        assert not cancelled.is_set()
        seen.append(item)

    for_each(call, range(16))
    assert sorted(seen) == list(range(16))
    for_each(call, [])


def test_after_an_error_the_others_are_cancelled():
    begun = []

    def call(item, cancelled):
        begun.append(item)
        if item == 3:
            raise ValueError("item 3")
        assert cancelled.wait(20)

    with pytest.raises(ValueError, match="item 3"):
        for_each(call, range(1000))
    assert len(begun) < 20
