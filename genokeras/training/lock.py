"""The lock on a work folder: one live run in it, wherever it runs.

The file `.lock` is locked with flock, which the kernel takes back when the process dies, and says
who holds it. On file systems that several machines share flock may not reach the others: there the
time of the file counts, which the run renews every few seconds.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from tfrecords.errors import InputError

LOCK_FILE = ".lock"
DEAD_AFTER_SECONDS = 180

_SECONDS_BETWEEN_BEATS = 5
_RECORD_BYTES = 1024  # Always as long, so that each beat overwrites the whole of the one before.


@dataclasses.dataclass(frozen=True)
class Holder:
    """A process that trains in a work folder.

    Attributes:
        pid: Its number.
        host: The machine it runs on.
        since: When it took the lock, in seconds since 1970.
        born: When it was started, as the kernel counts; tells it from a later one of that number.
        step: The step it has come to; None before it trains.
        steps_per_second: Over all it has done since the first steps, evaluations included.
    """

    pid: int
    host: str
    since: float
    born: int | None
    step: int | None = None
    steps_per_second: float | None = None


class Lock:
    """A lock that is held; `watch` says whom to ask for the step."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._holder = Holder(os.getpid(), socket.gethostname(), time.time(), _born(os.getpid()))
        self._step: Callable[[], int] | None = None
        self._begun: tuple[int, float] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, daemon=True)

    def watch(self, step: Callable[[], int]) -> None:
        """From now on `step()` is told with every beat."""
        self._step = step
        self.beat()

    def beat(self) -> None:
        """Says that the run is alive, and how far it has come."""
        if self._step is not None:
            self._holder = self._measured(self._step(), time.time())
        record = json.dumps(dataclasses.asdict(self._holder)).encode()
        os.pwrite(self._descriptor, record.ljust(_RECORD_BYTES - 1) + b"\n", 0)

    def _measured(self, step: int, now: float) -> Holder:
        # The first step compiles: what is before its end is not counted.
        if self._begun is None and self._holder.step not in (None, step):
            self._begun = step, now
        speed = None
        if self._begun and now > self._begun[1]:
            speed = (step - self._begun[0]) / (now - self._begun[1])
        return dataclasses.replace(self._holder, step=step, steps_per_second=speed)

    def _beat_on(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_BEATS):
            with contextlib.suppress(OSError):  # A server that is away for a while.
                self.beat()

    def __enter__(self) -> "Lock":
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        os.truncate(self._descriptor, 0)


@contextlib.contextmanager
def locked(workdir: pathlib.Path) -> Iterator[Lock]:
    """Makes the folder, and keeps a second process from training in it.

    Raises:
        InputError: A live process trains in it; says which.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(workdir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        is_sure = _take(descriptor, workdir)
        other = holder(workdir)
        # A lock that was to be had shows that whoever held it on this machine is gone.
        if other is not None and not (is_sure and other.host == socket.gethostname()):
            raise _in_use(workdir, other)
        with Lock(descriptor) as lock:
            yield lock
    finally:
        os.close(descriptor)


def holder(workdir: pathlib.Path) -> Holder | None:
    """Returns the live process that trains in a work folder; None if there is none."""
    path = workdir / LOCK_FILE
    try:
        found = Holder(**json.loads(path.read_text()))
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError, TypeError):
        return None  # Of a run that has ended it is empty.
    if found.host == socket.gethostname():
        return found if _born(found.pid) == found.born and _exists(found.pid) else None
    return found if age < DEAD_AFTER_SECONDS else None


def _take(descriptor: int, workdir: pathlib.Path) -> bool:
    """Takes the lock; returns False where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(workdir, holder(workdir)) from None
    except OSError:
        return False
    return True


def _in_use(workdir: pathlib.Path, found: Holder | None) -> InputError:
    if found is None:  # It has only just taken it.
        return InputError(f"{workdir}: another process is training in it; give another --workdir")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.since))
    hint = ""
    if found.host != socket.gethostname():
        hint = f" (one that is not heard of for {DEAD_AFTER_SECONDS} s counts as dead)"
    return InputError(
        f"{workdir}: process {found.pid} on {found.host} is training in it, since {since}; wait "
        f"for it to end{hint}, or give another --workdir"
    )


def _born(pid: int) -> int | None:
    """Returns when a process was started, in clock ticks since the boot; None if nobody knows."""
    try:
        # The name in parentheses may hold anything, also spaces.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[19])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
