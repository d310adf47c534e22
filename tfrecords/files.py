"""Hashes of files, and files that appear under their names whole or not at all."""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterator


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives the path of a partial file beside `path`, to be written.

    It is renamed to `path` at the end of the block, and removed if anything fails inside.
    """
    path = pathlib.Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
