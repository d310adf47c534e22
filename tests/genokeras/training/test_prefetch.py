import itertools
import threading

import pytest

from genokeras.training import prefetch
from genokeras.training.prefetch import Prefetch
from genokeras.training.stopping import InputStopped, StopRequest


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


@pytest.mark.parametrize("patience_s", [0.0, 0.3])
def test_run_that_is_to_stop_does_not_wait_for_what_never_comes(monkeypatch, patience_s):
    monkeypatch.setattr(prefetch, "_SECONDS_TO_END", 0.1)
    stop, gone = StopRequest(), threading.Event()

    def numbers():
        yield 0
        gone.wait(10)  # A network that does not answer.

    options = {"stop": stop, "patience_s": patience_s}
    with Prefetch(numbers(), lambda number: number, **options) as batches:
        assert next(batches) == 0
        threading.Timer(0.05, lambda: setattr(stop, "signal", 15)).start()
        with pytest.raises(InputStopped):
            next(batches)
    assert not gone.is_set()  # Its thread was not waited for.
    gone.set()


def test_what_is_there_is_given_though_the_run_is_to_stop():
    stop = StopRequest()
    stop.signal = 15
    with Prefetch(iter(range(2)), lambda number: number, stop=stop, patience_s=5.0) as batches:
        assert list(batches) == [0, 1]
