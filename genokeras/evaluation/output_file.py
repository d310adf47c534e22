"""Files that appear when they are complete, or not at all; gzip if the name ends in .gz."""

import contextlib
import gzip
import io
import os
import pathlib
from collections.abc import Iterator
from typing import TextIO

from tfrecords.errors import InputError
from tfrecords.files import replacing

# The default of the gzip module, 9, takes three times as long for one percent.
_COMPRESSION = 6


def check(path: str | os.PathLike, source: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the path, once it is clear that a file can be made there.

    Args:
      path: Of the file to be made.
      source: A file that it must not replace, by whatever name or link.

    Raises:
      InputError: Its folder is missing, it is no file but a folder or a device, it is on another
        machine, or it is `source`.
    """
    if "://" in os.fspath(path):
        raise InputError(f"{path}: expected a file of this machine; write one and copy it there")
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected the name of a file")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is a device or a pipe, expected the name of a file")
    if source is not None and _is_same(path, pathlib.Path(source)):
        raise InputError(f"{path} is the input, {source}; give the output another name")
    return path.resolve()  # The file behind a link is replaced, not the link.


@contextlib.contextmanager
def open_text(path: str | os.PathLike) -> Iterator[TextIO]:
    """Opens a file for writing that gets its name when the block ends without an error."""
    path = pathlib.Path(path)
    with replacing(path) as partial, contextlib.ExitStack() as stack:
        binary = stack.enter_context(partial.open("wb"))
        if path.suffix == ".gz":
            # Without a name and a time in it, the same text gives the same bytes.
            packer = gzip.GzipFile("", "wb", _COMPRESSION, binary, mtime=0)
            binary = stack.enter_context(packer)
        yield stack.enter_context(io.TextIOWrapper(binary, encoding="utf-8", newline="\n"))


def _is_same(path: pathlib.Path, other: pathlib.Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)
