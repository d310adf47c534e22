"""Copies in the cache of files at a URL: each whole, checked, renamed into place, fetched once.

A process that is killed leaves the files that were complete, and hidden ones that the next attempt
overwrites. Of two processes that want the same file one waits for the other.
"""

import contextlib
import fcntl
import hashlib
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, Protocol

from tfrecords.errors import InputError
from tfrecords.files import replacing
from tfrecords.parallel import for_each
from tfrecords.remote_path import BLOCK_BYTES, RemotePath

_MB = 1_000_000
_SECONDS_BETWEEN_LOOKS = 0.1  # At a lock that somebody else holds.
REMEDY = "upload the dataset again, or give another --data_dir"

Progress = Callable[[str, int], Any]


class Described(Protocol):
    """A file as a manifest has it: base name, size and sha256."""

    file: str
    num_bytes: int
    sha256: str


def missing(files: Sequence[Described], target: pathlib.Path) -> list[Described]:
    """Returns those of the files that the folder `target` does not have with their full size."""
    return [file for file in files if not _is_there(file, target)]


def mirror(
    source: RemotePath,
    files: Sequence[Described],
    target: pathlib.Path,
    *,
    what: str,
    progress: Progress | None = None,
) -> None:
    """Brings all files of the folder `source` that are not in the folder `target` there.

    Args:
        source: Folder at a URL.
        files: What manifests say of them.
        target: Folder of this machine; made if there is none.
        what: What they are, for the progress bar.
        progress: Starts a progress bar, `progress(description, total)`; it counts megabytes.

    Raises:
        InputError: A file is missing there or is not the one described, or the network kept
            failing. Files that were complete are kept.
    """
    wanted = missing(files, target)
    if not wanted:
        return
    check_sizes(source, wanted)
    target.mkdir(parents=True, exist_ok=True)
    with _counting(f"Fetching {what} (MB)", wanted, progress) as count:
        for_each(lambda file, cancelled: _fetch(source, file, target, count, cancelled), wanted)


def check_sizes(source: RemotePath, files: Sequence[Described]) -> None:
    """Raises an InputError unless all files are in the folder `source` with their full size."""
    sizes = source.files()
    for file in files:
        size = sizes.get(file.file)
        if size is None:
            raise InputError(f"{source / file.file}: this file is missing; {REMEDY}")
        if size != file.num_bytes:
            raise InputError(
                f"{source / file.file}: has {size} bytes, the manifest gives {file.num_bytes}; "
                f"{REMEDY}"
            )


def _is_there(file: Described, target: pathlib.Path) -> bool:
    path = target / file.file
    return path.is_file() and path.stat().st_size == file.num_bytes


def _fetch(
    source: RemotePath,
    file: Described,
    target: pathlib.Path,
    count: Callable[[int], None],
    cancelled: threading.Event,
) -> None:
    digest, path = hashlib.sha256(), target / file.file
    with _locked(target / f".{file.file}.lock", cancelled):
        if _is_there(file, target):
            count(file.num_bytes)
            return
        with replacing(path) as partial:
            with partial.open("wb") as copy:
                for start in range(0, file.num_bytes, BLOCK_BYTES):
                    if cancelled.is_set():
                        raise CancelledError  # Another file failed, whose error is told.
                    stop = min(start + BLOCK_BYTES, file.num_bytes)
                    block = (source / file.file).read_range(start, stop, cancelled=cancelled)
                    copy.write(block)
                    digest.update(block)
                    count(len(block))
            if digest.hexdigest() != file.sha256:
                raise InputError(
                    f"{source / file.file}: its sha256 is not the one in the manifest; {REMEDY}"
                )


@contextlib.contextmanager
def _locked(path: pathlib.Path, cancelled: threading.Event) -> Iterator[None]:
    """Keeps other threads and processes out; a kill ends the lock."""
    with path.open("w") as file:
        while not cancelled.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                cancelled.wait(_SECONDS_BETWEEN_LOOKS)
            else:
                yield
                return
        raise CancelledError


@contextlib.contextmanager
def _counting(
    description: str, files: Sequence[Described], progress: Progress | None
) -> Iterator[Callable[[int], None]]:
    """Gives a function for threads to tell how many bytes have come, and shows whole megabytes."""
    if progress is None:
        yield lambda num_bytes: None
        return
    lock, done, shown = threading.Lock(), 0, 0
    bar = progress(description, -(-sum(file.num_bytes for file in files) // _MB))

    def count(num_bytes: int) -> None:
        nonlocal done, shown
        with lock:
            done += num_bytes
            if advance := -(-done // _MB) - shown:
                bar.update(advance)
                shown += advance

    try:
        yield count
    finally:
        bar.close()
