"""Ending a run in good order when it is asked to by a signal: SIGTERM, or Ctrl-C.

Machines that are taken away, and schedulers whose time is over, send SIGTERM some seconds before
they kill. Needs no framework.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from tfrecords.errors import InputError

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Stopped(KeyboardInterrupt):
    """A run has ended before its last step because it was asked to; the message says where.

    Not an `Exception`, so that nothing that tries many runs takes it for one that has failed.
    `signal` is the number of the signal.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.signal = number


class HostLost(InputError):
    """Another host of the run has ended, so this one cannot go on alone; the next attempt can."""

    def __init__(self, message: str = "another host of this run has ended"):
        super().__init__(f"{message}; start all of them again with the same command")


class EvaluationStopped(Exception):
    """An evaluation has ended before it was through, since the run is to stop."""


class InputStopped(Exception):
    """Nobody waits any longer for the next batch, since the run is to stop."""


class StopRequest:
    """Whether the run was asked to end: `signal` is the number of the signal, or None.

    `command` says in words what goes on with it then; `at_once` is as of `listening`.
    """

    def __init__(self, command: str = "the same command", at_once: bool = False):
        self.signal: int | None = None
        self.at_once = at_once
        self._command = command

    def __bool__(self) -> bool:
        return self.signal is not None

    def stopped(self, step: int) -> Stopped:
        """Returns what to raise when all is saved up to `step`."""
        by = f"stopped by {_NAMES[self.signal]}"
        if step == 0:
            message = f"{by} before the first step; the same command starts again"
        else:
            message = f"{by} at step {step}, saved; {self._command} goes on"
        return Stopped(message, self.signal)


@contextlib.contextmanager
def listening(command: str = "the same command", *, at_once: bool = False) -> Iterator[StopRequest]:
    """Within this context the first signal is only noted; the second does what it did before.

    `command` says in words what goes on with the run. With `at_once` nobody looks yet whether a
    signal was noted: it raises `Stopped`, until the attribute of that name is set to False.

    Signals that are ignored, as those of the terminal under nohup, stay so; outside of the main
    thread, which alone gets signals, nothing is changed.
    """
    request = StopRequest(command, at_once)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in _NAMES}
    before = {n: old for n, old in before.items() if old not in (signal.SIG_IGN, None)}

    def note(number: int, _: FrameType | None) -> None:
        if request.signal is None:
            request.signal = number
            if request.at_once:
                raise request.stopped(0)
        else:
            signal.signal(number, before[number])
            os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, old in before.items():
            signal.signal(number, old)
