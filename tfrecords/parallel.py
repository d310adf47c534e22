"""The same for many files at a time, where a network is what takes the time."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

_THREADS = 8
T = TypeVar("T")


def for_each(function: Callable[[T, threading.Event], None], items: Iterable[T]) -> None:
    """Calls `function(item, cancelled)` for every item, in several threads.

    After an error, which is raised, or Ctrl-C no further call begins, and `cancelled` is set for
    those that are under way.
    """
    cancelled, pool = threading.Event(), ThreadPoolExecutor(_THREADS)

    def call_unless_cancelled(item: T) -> None:
        # A thread may take the next item before the one that waits for results knows of an error.
        if cancelled.is_set():
            return
        try:
            function(item, cancelled)
        except BaseException:
            cancelled.set()
            raise

    try:
        calls = [pool.submit(call_unless_cancelled, item) for item in items]
        for call in as_completed(calls):
            call.result()
    finally:
        cancelled.set()
        pool.shutdown(cancel_futures=True)
