import itertools
import threading

import pytest

from genokeras.training.prefetch import Prefetch


def test_gives_everything_in_order():
    with Prefetch(iter(range(20)), lambda number: number * 10, depth=3) as batches:
        assert list(batches) == [number * 10 for number in range(20)]


def test_reads_no_further_ahead_than_its_depth():
    made, is_full = [], threading.Event()

    def numbers():
        for number in itertools.count():
            made.append(number)
            if number == 4:
                is_full.set()
            yield number

    with Prefetch(numbers(), lambda number: number, depth=3) as batches:
        assert next(batches) == 0
        assert is_full.wait(10)  # One taken, three in the queue, one in the hand.
    assert made == [0, 1, 2, 3, 4]


def test_error_of_the_thread_is_raised_where_the_batch_is_missing():
    def numbers():
        yield 1
        raise OSError("disk on fire")

    with Prefetch(numbers(), lambda number: number) as batches:
        assert next(batches) == 1
        with pytest.raises(OSError, match="disk on fire"):
            next(batches)


def test_thread_ends_with_the_context():
    before = threading.active_count()
    with Prefetch(itertools.count(), lambda number: number) as batches:
        next(batches)
    assert threading.active_count() == before


def test_waiting_is_counted():
    release = threading.Event()

    def numbers():
        yield 0
        release.wait(10)
        yield 1

    with Prefetch(numbers(), lambda number: number) as batches:
        next(batches)
        threading.Timer(0.05, release.set).start()
        before = batches.seconds_waited
        next(batches)
        assert batches.seconds_waited > before
