"""Batches made in a background thread while the device computes."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from genokeras.training.stopping import InputStopped, StopRequest

_SECONDS_BETWEEN_CHECKS = 0.1
_SECONDS_TO_END = 5.0


class Prefetch:
    """Iterator over `place(batch)` for the batches of an iterator, up to `depth` of them ahead.

    `seconds_waited` grows by the time that `next` had to wait. An error in the thread is raised by
    `next`. To be used as a context manager: the thread ends with it. If the run is to stop, `next`
    waits for at most `patience_s` more, and then raises `InputStopped`; a thread that still reads,
    as from a network that is gone, is left to itself then.
    """

    def __init__(
        self,
        batches: Iterator[Any],
        place: Callable[[Any], Any],
        depth: int = 4,
        stop: StopRequest | None = None,
        patience_s: float = 0.0,
    ):
        self.seconds_waited = 0.0
        self._stop, self._patience_s = StopRequest() if stop is None else stop, patience_s
        self._queue: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(batches, place), daemon=True)

    def __enter__(self) -> "Prefetch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(_SECONDS_TO_END if self._stop else None)

    def __iter__(self) -> "Prefetch":
        return self

    def __next__(self) -> Any:
        started = time.perf_counter()
        batch, error = self._get()
        self.seconds_waited += time.perf_counter() - started
        if error is not None:
            raise error
        return batch

    def _get(self) -> tuple[Any, BaseException | None]:
        asked_at = None
        while True:
            try:
                return self._queue.get(timeout=_SECONDS_BETWEEN_CHECKS)
            except queue.Empty:
                if self._stop:
                    asked_at = asked_at or time.monotonic()
                    if time.monotonic() - asked_at >= self._patience_s:
                        raise InputStopped from None

    def _work(self, batches: Iterator[Any], place: Callable[[Any], Any]) -> None:
        try:
            for batch in batches:
                if not self._put((place(batch), None)):
                    return
            self._put((None, StopIteration()))
        except BaseException as error:  # Whatever it is, it belongs to the thread that waits.
            self._put((None, error))

    def _put(self, item: tuple[Any, BaseException | None]) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_SECONDS_BETWEEN_CHECKS)
                return True
            except queue.Full:
                continue
        return False
