"""Hashes of files, and files that appear under their names whole or not at all."""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterator

from tfrecords.remote_path import RemotePath


def file_sha256(path: str | os.PathLike | RemotePath) -> str:
    """Returns the sha256 of a file's bytes, in hexadecimal."""
    if isinstance(path, RemotePath):
        return path.sha256()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: str | os.PathLike) -> None:
    """Returns when the disk has all that was written to a file, or all names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Some file systems find only here that there is no room.
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def naming(path: str | os.PathLike, hidden: str | os.PathLike | None = None) -> Iterator[None]:
    """In this block what the operating system says names `path` in place of no file or `hidden`.

    Of a full disk it names none.
    """
    try:
        yield
    except OSError as error:
        # Those without a number are not the system's, and show no file.
        if error.errno is not None and str(error.filename) in ("None", str(hidden)):
            error.filename = str(path)
        raise


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives the path of a hidden file beside `path`, `.writing.NAME`, to be written.

    It is renamed to `path` at the end of the block, and removed if anything fails inside. What the
    operating system says of it names `path`.
    """
    path = pathlib.Path(path)
    # The ending stays: some libraries choose the format by it.
    partial = path.with_name(f".writing.{path.name}")
    try:
        with naming(path, partial):
            yield partial
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
