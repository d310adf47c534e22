"""A bucket behind a slow network that fails now and then: `bucket://NAME/...` for fsspec.

It is a folder, `Bucket.root`; as in a real one there are no folders of their own, and a file is
there whole or not at all. Counts what is asked of it. Registered by `register`, which processes
that tests start call as well.
"""

import collections
import os
import pathlib
import random
import threading
import time

import fsspec

SCHEME = "bucket"


class Bucket(fsspec.AbstractFileSystem):
    """The stand-in; how it behaves is set on the class, as there is one network for all."""

    protocol = SCHEME
    root = pathlib.Path()
    seconds = 0.0  # That every request takes.
    failing = 0.0  # Share of requests that fail.
    broken: BaseException | None = None  # Raised by every request.
    _lock = threading.Lock()

    @classmethod
    def reset(cls, root: pathlib.Path) -> None:
        """Begins with an empty log on a folder, without delay or failures."""
        cls.root, cls.seconds, cls.failing, cls.broken = root, 0.0, 0.0, None
        cls.requests: collections.Counter = collections.Counter()
        cls.num_bytes, cls.coin, cls.at_once, cls.most_at_once = 0, random.Random(0), 0, 0

    def _ask(self, what: str, path: str) -> pathlib.Path:
        cls = type(self)
        with cls._lock:
            cls.requests[f"{what} {path.rpartition('/')[2]}"] += 1
            cls.at_once += 1
            cls.most_at_once = max(cls.most_at_once, cls.at_once)
            fails = cls.coin.random() < cls.failing
        time.sleep(cls.seconds)
        with cls._lock:
            cls.at_once -= 1
        if cls.broken:
            raise cls.broken
        if fails:
            raise ConnectionResetError("connection reset")
        return cls.root / path

    def info(self, path, **_):
        path = self._strip_protocol(path)
        local = self._ask("info", path)
        if local.is_file():
            return {"name": path, "size": local.stat().st_size, "type": "file",
                    "mtime": local.stat().st_mtime_ns}  # fmt: skip
        if local.is_dir() and any(local.iterdir()):
            return {"name": path, "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    def find(self, path, maxdepth=None, withdirs=False, detail=False, **_):
        local = self._ask("find", self._strip_protocol(path))
        names = {
            f.relative_to(self.root).as_posix(): f.stat().st_size
            for f in sorted(local.rglob("*"))
            if f.is_file()
        }
        return {name: {"name": name, "size": size, "type": "file"} for name, size in names.items()}

    def cat_file(self, path, start=None, end=None, **_):
        local = self._ask("cat", self._strip_protocol(path))
        with local.open("rb") as file:
            file.seek(start or 0)
            content = file.read(-1 if end is None else end - file.tell())
        with self._lock:
            type(self).num_bytes += len(content)
        return content

    def get_file(self, rpath, lpath, **_):
        pathlib.Path(lpath).write_bytes(self._ask("get", self._strip_protocol(rpath)).read_bytes())

    def pipe_file(self, path, value, **_):
        local = self._ask("put", self._strip_protocol(path))
        local.parent.mkdir(parents=True, exist_ok=True)
        partial = local.with_name(f"{local.name}.{threading.get_ident()}")
        partial.write_bytes(value)
        os.replace(partial, local)

    def put_file(self, lpath, rpath, **_):
        self.pipe_file(rpath, pathlib.Path(lpath).read_bytes())

    def rm_file(self, path):
        self._ask("rm", self._strip_protocol(path)).unlink()


def register(root: os.PathLike) -> type[Bucket]:
    """Makes `bucket://` URLs known to fsspec, as files in the folder `root`."""
    Bucket.reset(pathlib.Path(root))
    fsspec.register_implementation(SCHEME, Bucket, clobber=True)
    return Bucket
