"""Threads for work that nobody waits for when the program ends.

Those of `concurrent.futures` are waited for: a program that is interrupted while the network is
down would hang until every queued request has been given up.
"""

import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class DaemonPool:
    """Runs functions in `num_threads` threads, first come, first served; they end with the pool."""

    def __init__(self, num_threads: int):
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        for _ in range(num_threads):
            threading.Thread(target=_work, args=(self._jobs,), daemon=True).start()
        weakref.finalize(self, _end, self._jobs, num_threads)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Returns the future result of `function(*arguments)`."""
        future = Future()
        self._jobs.put((future, function, arguments))
        return future


def _work(jobs: queue.SimpleQueue) -> None:
    while (job := jobs.get()) is not None:
        future, function, arguments = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # Whatever it is, it belongs to who asks for the result.
                future.set_exception(error)
        del job, future, function, arguments  # Else kept until the next one comes.


def _end(jobs: queue.SimpleQueue, num_threads: int) -> None:
    for _ in range(num_threads):
        jobs.put(None)
