"""Results and errors come back; the threads end with the pool, and a program ends without them."""

import subprocess
import sys
import threading

import pytest

from tfrecords.daemon_pool import DaemonPool


def test_results_errors_and_cancelled_work_come_back():
    pool = DaemonPool(1)
    release, begun = threading.Event(), threading.Event()

    def wait():
        begun.set()
        return release.wait(20)

    first = pool.submit(wait)
    assert begun.wait(20)
    second, third, fourth = (pool.submit(divmod, 7, x) for x in (2, 0, 3))
    assert fourth.cancel()
    release.set()
    assert first.result(20) is True
    assert second.result(20) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        third.result(20)


def test_threads_end_with_the_pool():
    before = set(threading.enumerate())
    pool = DaemonPool(3)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 3
    del pool
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_a_program_does_not_wait_for_it():
    code = (
        "import time; from tfrecords.daemon_pool import DaemonPool; pool = DaemonPool(1)\n"
        "for _ in range(9): pool.submit(time.sleep, 100)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
