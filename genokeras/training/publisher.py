"""Pushes a run beside its training: neither steps nor checkpoints wait for a network."""

import contextlib
import itertools
import os
import pathlib
import queue
import shutil
import threading
from collections.abc import Callable

from genokeras.training.remote_workdir import push
from tfrecords.remote_path import RemotePath


class Publisher:
    """Pushes the work folder `local` to `url` as it is when this is called, in a thread of its own.

    Of what waits while a push is under way, or tried again, only the newest is pushed. What cannot
    be pushed is logged, and comes with the next. A context manager, within which it is called from
    one thread: at its end all is pushed, or given up.

    What is to be pushed are hard links beside the folder, so that old checkpoints may be removed
    from it meanwhile. Curves may grow in them, as `remote_workdir` allows.
    """

    def __init__(self, local: pathlib.Path, url: RemotePath, log: Callable[[str], None]):
        self._local, self._url, self._log = local, url, log
        self._links = local.with_name(f"{local.name}-pushing")
        self._numbers = itertools.count()
        self._waiting: queue.Queue[pathlib.Path | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.ident is not None:
            self._waiting.put(None)
            self._thread.join()
            self._links.rmdir()

    def __call__(self) -> None:
        """Sees to it that the folder is pushed as it is now."""
        if self._thread.ident is None:
            shutil.rmtree(self._links, ignore_errors=True)  # Of a run that was killed.
            self._thread.start()
        linked = self._links / str(next(self._numbers))
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(self._local, linked, copy_function=os.link, ignore=hidden)
        with contextlib.suppress(queue.Empty):
            shutil.rmtree(self._waiting.get_nowait())
        self._waiting.put(linked)

    def _work(self) -> None:
        while (linked := self._waiting.get()) is not None:
            try:
                push(linked, self._url, of=self._local)
            except Exception as error:  # The end of the run pushes as well, and raises it.
                self._log(f"{error}; training goes on, and the next checkpoint brings it along")
            finally:
                shutil.rmtree(linked)
