"""Input files at a URL, for libraries that can only open files of this machine."""

import hashlib
import os
import pathlib
import tempfile

from tfrecords.cache import cache_root
from tfrecords.errors import InputError
from tfrecords.remote_path import is_remote, path_of


def local_copy(path: str | os.PathLike) -> pathlib.Path:
    """Returns the path of an input file; of one at a URL that of a copy in the cache.

    The copy has the name of the file, and is made anew when the file has changed.

    Raises:
        InputError: There is nothing at the URL, or the network kept failing.
    """
    if not is_remote(path):
        return pathlib.Path(path)
    source = path_of(path)
    try:
        version = hashlib.sha256(f"{source} {source.version()}".encode()).hexdigest()
        target = cache_root() / "inputs" / version / source.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            # A folder of its own: another process may want the same file.
            with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
                partial = pathlib.Path(scratch, source.name)
                source.download(partial)
                partial.replace(target)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    return target
