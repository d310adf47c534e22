"""A work folder at a URL: trained in a copy on this machine, which is pushed whenever it is saved.

The files have the names of a local work folder, so TensorBoard and `predict` read them where they
are. `pushed.json` lists them with their sha256 and is written last: what it does not list is of a
push that was interrupted, and is not there for `pull`. Files that only grow (curves) or are made
anew from the checkpoints (the exported model) may be newer than the list says; the trainer takes
curves back to its checkpoint, and exports again.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import threading
from collections.abc import Iterable, Iterator

from genokeras.training.lock import holder
from genokeras.training.settings import CONFIG_FILE, FLAGS_FILE
from tfrecords.cache import cache_root
from tfrecords.errors import InputError
from tfrecords.files import file_sha256, replacing
from tfrecords.parallel import for_each
from tfrecords.remote_path import RemotePath, path_of

MARKER = "pushed.json"
# Beside the copy: the list of the files as they were when both sides were last the same.
_BASE = f".{MARKER}"
_EVALUATION = ("evaluation", "report.html")
_FIRST = (CONFIG_FILE, FLAGS_FILE)  # Whatever else is there, by these a folder is one of a run.

Hashes = dict[str, str]


def local_folder(url: str | RemotePath, cache_dir: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns where the copy of the work folder at `url` is on this machine, in the cache."""
    remote = path_of(url)
    digest = hashlib.sha256(str(remote).encode()).hexdigest()[:12]
    return cache_root(cache_dir) / "runs" / f"{remote.name}-{digest}"


def pull(url: str | RemotePath, local: str | os.PathLike) -> bool:
    """Makes the folder `local` what was last pushed to `url`, whole; returns if there was a run.

    A copy that has gone on since it was pushed or pulled, as after a network that failed, is left
    as it is, unless somebody else has pushed since.

    Raises:
        InputError: There are files that are no run, or the network kept failing.
    """
    remote, local = path_of(url), pathlib.Path(local)
    with _alone(local):
        # A process that trains in the copy has begun from it, and pushes it itself.
        return holder(local) is not None or _pull(remote, local)


def _pull(remote: RemotePath, local: pathlib.Path) -> bool:
    wanted, base = _read(remote), local / _BASE
    if wanted is None:
        _check_free(remote)
        if base.is_file():
            shutil.rmtree(local)  # The copy of a run that was deleted since.
        return False
    if base.is_file() and json.loads(base.read_text()) == wanted:
        return True
    base.unlink(missing_ok=True)
    here = _hashes(local)
    for name in here.keys() - wanted.keys():
        (local / name).unlink()
    different = [name for name in wanted if here.get(name) != wanted[name]]
    for_each(lambda name, cancelled: _download(remote / name, local / name, cancelled), different)
    _write_base(local, wanted)
    return True


def push(
    local: str | os.PathLike, url: str | RemotePath, of: str | os.PathLike | None = None
) -> None:
    """Makes `url` what the folder `local` is; only files that have changed are sent.

    To be called when nothing but curves changes in it; `of` is the work folder, where `local` is a
    likeness of it that stays as it was. Hidden files are left out. Interrupted at any moment, it
    leaves what was pushed before.

    Raises:
        InputError: The network kept failing.
    """
    local, remote = pathlib.Path(local), path_of(url)
    there, here = _read(remote) or {}, _hashes(local)
    changed = [name for name in here if there.get(name) != here[name]]
    _upload(local, remote, [name for name in changed if name in _FIRST])
    _upload(local, remote, [name for name in changed if name not in _FIRST])
    content = json.dumps({"files": here}, indent=1, sort_keys=True) + "\n"
    (remote / MARKER).write_bytes(content.encode())
    _write_base(pathlib.Path(of or local), here)
    for_each(lambda name, _: (remote / name).remove(), there.keys() - here.keys())


def copy_to_read(url: str | RemotePath) -> pathlib.Path:
    """Returns a folder of this machine with the run at `url`: as it was pushed, or put there.

    It is not the copy that is trained in. What another program has put into a bucket has no list,
    and is fetched whole, each time.

    Raises:
        InputError: There is no run, or the network kept failing.
    """
    remote, trained = path_of(url), local_folder(url)
    local = trained.with_name(f"{trained.name}-read")
    with _alone(local):
        if not _pull(remote, local):
            _fetch(remote, local)
    return local


def _fetch(remote: RemotePath, local: pathlib.Path) -> None:
    """Makes `local` all that is at `remote`, where there is no list."""
    names = [name for name in remote.files() if not name.startswith(".") and "/." not in name]
    if CONFIG_FILE not in names:
        raise InputError(f"{remote}: no run here; launch.train makes one")
    if local.exists():
        shutil.rmtree(local)
    for_each(lambda name, cancelled: _download(remote / name, local / name, cancelled), names)


def push_evaluation(local: str | os.PathLike, url: str | RemotePath) -> None:
    """Copies what an evaluation has written into `local` to `url`, beside the run.

    It is not listed in `pushed.json`, which is of the training, that may still go on elsewhere.
    """
    local, remote = pathlib.Path(local), path_of(url)
    names = [name for name in _hashes(local) if name.partition("/")[0] in _EVALUATION]
    _upload(local, remote, names)


@contextlib.contextmanager
def _alone(local: pathlib.Path) -> Iterator[None]:
    """Within this context no other process of this machine fetches the copy; it waits for them."""
    local.parent.mkdir(parents=True, exist_ok=True)
    with open(local.with_name(f".{local.name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(remote: RemotePath) -> Hashes | None:
    try:
        return json.loads((remote / MARKER).read_bytes())["files"]
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, KeyError, TypeError):
        raise InputError(
            f"{remote / MARKER}: not the list of the files of a run; give another --workdir"
        ) from None


def _check_free(remote: RemotePath) -> None:
    found = sorted(remote.files())
    if found and not set(found) & set(_FIRST):
        raise InputError(
            f"{remote}: holds {found[0]!r} but no run; give another --workdir, one that is new or "
            "empty"
        )


def _hashes(folder: pathlib.Path) -> Hashes:
    """Returns the sha256 of every file by its path in the folder, hidden ones left out."""
    found = {}
    for parent, folders, names in os.walk(folder):
        # Hidden folders come and go while others write; they are not even looked into.
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [pathlib.Path(parent, name) for name in names if not name.startswith(".")]
        found |= {path.relative_to(folder).as_posix(): file_sha256(path) for path in paths}
    return dict(sorted(found.items()))


def _upload(local: pathlib.Path, remote: RemotePath, names: Iterable[str]) -> None:
    def upload(name: str, cancelled: threading.Event) -> None:
        (remote / name).upload(local / name, cancelled=cancelled)

    for_each(upload, names)


def _download(source: RemotePath, target: pathlib.Path, cancelled: threading.Event) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(target) as partial:
            source.download(partial, cancelled=cancelled)
    except FileNotFoundError:
        raise InputError(
            f"{source}: {MARKER} lists this file, but it is gone; put it back or give another "
            "--workdir"
        ) from None


def _write_base(local: pathlib.Path, files: Hashes) -> None:
    local.mkdir(parents=True, exist_ok=True)
    with replacing(local / _BASE) as partial:
        partial.write_text(json.dumps(files))
