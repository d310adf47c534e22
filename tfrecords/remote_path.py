"""Files at a URL that fsspec knows: what `pathlib.Path` does for those of this machine.

A network fails now and then: what may pass by itself is tried again, with longer and longer pauses
of random length, for about a minute. What will not (no such file, no permission) is not.
"""

import errno
import hashlib
import os
import pathlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import fsspec

from tfrecords.errors import InputError

BLOCK_BYTES = 8 << 20
_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # Seconds.
# Libraries that talk to a network, and whose errors are not all of the operating system's kind.
_NETWORK = {"aiohttp", "aiobotocore", "botocore", "gcsfs", "google", "http", "requests", "urllib3"}
_PERMANENT = (FileNotFoundError, PermissionError, FileExistsError, NotADirectoryError)
_PERMANENT_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EISDIR}
_EXTRAS = {"gs": "gcs", "gcs": "gcs", "s3": "s3"}
_PAUSES = random.Random()  # Its own: initial weights are drawn from that of the module.


def is_remote(place: "str | os.PathLike | RemotePath") -> bool:
    """Whether a place is a URL, as `gs://bucket/folder`, and no path of this machine."""
    return isinstance(place, RemotePath) or "://" in os.fspath(place)


def path_of(place: "str | os.PathLike | RemotePath") -> "pathlib.Path | RemotePath":
    """Returns the path of a place: of a URL a `RemotePath`, else a `pathlib.Path`."""
    if isinstance(place, RemotePath):
        return place
    return RemotePath(os.fspath(place)) if is_remote(place) else pathlib.Path(place)


class RemotePath:
    """A file or folder at a URL. Equal, hashed and pickled by the URL.

    Methods raise `FileNotFoundError` where there is nothing, and `InputError` of one line where
    there is no permission, or a network that kept failing.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._files, self._path = _open(self._url)

    def __str__(self) -> str:
        return self._url

    def __repr__(self) -> str:
        return f"RemotePath({self._url!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and self._url == other._url

    def __hash__(self) -> int:
        return hash(self._url)

    def __reduce__(self):
        return type(self), (self._url,)

    def __truediv__(self, name: str) -> "RemotePath":
        child = object.__new__(type(self))
        child._url, child._files = f"{self._url}/{name}", self._files
        child._path = f"{self._path}/{name}"
        return child

    @property
    def name(self) -> str:
        """What stands behind the last slash."""
        return self._url.rpartition("/")[2]

    @property
    def parent(self) -> "RemotePath":
        """The folder of it."""
        return type(self)(self._url.rpartition("/")[0])

    def absolute(self) -> "RemotePath":
        """Returns itself, as a URL means the same everywhere."""
        return self

    def is_dir(self) -> bool:
        """Whether there is a folder."""
        return self._kind() == "directory"

    def is_file(self) -> bool:
        """Whether there is a file."""
        return self._kind() == "file"

    def version(self) -> str:
        """Returns a text that changes when the file does, without reading it."""
        self._files.invalidate_cache(self._path)
        return self._patiently(self._files.ukey, self._path)

    def files(self) -> dict[str, int]:
        """Returns the size of every file in the folder and below, by its path within it."""
        self._files.invalidate_cache(self._path)
        found = self._patiently(lambda: self._files.find(self._path, detail=True))
        start = len(self._path.rstrip("/")) + 1
        return {path[start:]: entry["size"] for path, entry in found.items() if path[start:]}

    def read_bytes(self) -> bytes:
        """Returns all of a file."""
        return self._patiently(self._files.cat_file, self._path)

    def read_text(self) -> str:
        """Returns all of a file as UTF-8 text."""
        return self.read_bytes().decode()

    def read_range(
        self, start: int, stop: int, *, cancelled: threading.Event | None = None
    ) -> bytes:
        """Returns the bytes from `start` up to `stop`, all of which the file has.

        `cancelled`, set by another thread, ends the pauses between attempts.
        """

        def read() -> bytes:
            found = self._files.cat_file(self._path, start=start, end=stop)
            if len(found) != stop - start:
                raise OSError(f"{len(found)} bytes came of {stop - start} from byte {start}")
            return found

        try:
            return self._patiently(read, cancelled=cancelled)
        except FileNotFoundError:
            raise InputError(f"{self}: this file is not there any more; put it back") from None

    def sha256(self) -> str:
        """Returns the sha256 of a file, which is read for it."""
        digest, num_bytes = hashlib.sha256(), self._patiently(self._files.info, self._path)["size"]
        for start in range(0, num_bytes, BLOCK_BYTES):
            digest.update(self.read_range(start, min(start + BLOCK_BYTES, num_bytes)))
        return digest.hexdigest()

    def write_bytes(self, content: bytes) -> None:
        """Writes a file anew."""
        self._write(self._files.pipe_file, self._path, content)

    def upload(
        self, source: str | os.PathLike, *, cancelled: threading.Event | None = None
    ) -> None:
        """Writes a file anew, as a copy of one of this machine; `cancelled` as of `read_range`."""
        self._write(self._files.put_file, os.fspath(source), self._path, cancelled=cancelled)

    def download(
        self, target: str | os.PathLike, *, cancelled: threading.Event | None = None
    ) -> None:
        """Copies the file to a path of this machine; `cancelled` as of `read_range`."""
        arguments = (self._path, os.fspath(target))
        self._patiently(self._files.get_file, *arguments, cancelled=cancelled)

    def remove(self) -> None:
        """Removes a file; one that is gone already is no mistake."""
        try:
            self._patiently(self._files.rm_file, self._path)
        except FileNotFoundError:
            return

    def _write(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        cancelled: threading.Event | None = None,
    ) -> None:
        try:
            self._patiently(function, *arguments, cancelled=cancelled)
        except FileNotFoundError:  # Buckets have no folders; servers of files have.
            self._files.makedirs(self._path.rpartition("/")[0], exist_ok=True)
            self._patiently(function, *arguments, cancelled=cancelled)

    def _kind(self) -> str:
        self._files.invalidate_cache(self._path)
        try:
            return self._patiently(self._files.info, self._path)["type"]
        except (FileNotFoundError, NotADirectoryError):
            return "none"

    def _patiently(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        cancelled: threading.Event | None = None,
    ) -> Any:
        """Calls a function of the file system, again if it fails in a way that may pass."""
        started, cancelled = time.monotonic(), cancelled or threading.Event()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return function(*arguments)
            except PermissionError as error:
                raise InputError(
                    f"{self}: no permission ({_said(error)}); log in, or ask for the right to it"
                ) from None
            except Exception as error:
                if not _may_pass(error):
                    raise
                said = _said(error)
            pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
            if attempt == _ATTEMPTS or cancelled.wait(pause * _PAUSES.uniform(0.5, 1.5)):
                break
        raise InputError(
            f"{self}: {said}; tried {attempt} times in {time.monotonic() - started:.0f} s. When "
            "the network is up again, give the same command"
        )


def _open(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Returns the file system of a URL, and the path in it."""
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = _EXTRAS.get(url.partition("://")[0])
        remedy = f"pip install 'genokeras[{extra}]'" if extra else _said(error)
        raise InputError(f"{url}: a package for such URLs is missing; {remedy}") from None
    except ValueError as error:
        raise InputError(
            f"{url}: {_said(error)}; expected a folder of this machine, or a URL that fsspec "
            "knows, as gs://BUCKET/FOLDER or s3://BUCKET/FOLDER"
        ) from None


def _may_pass(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, _PERMANENT) and error.errno not in _PERMANENT_NUMBERS
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(modules & _NETWORK)


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
