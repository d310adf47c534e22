"""Checkpoints: folders `step-N/` of plain arrays with checksums, there whole or not at all.

A folder holds one `GROUP.npz` per group of arrays (model, optimizer, average), `state.json`, and
`SHA256SUMS`, which `sha256sum --check` understands. It is written under a hidden name and renamed,
so a checkpoint that can be seen is complete. Nothing is pickled. Needs no TensorFlow and no Keras.
"""

import contextlib
import json
import pathlib
import re
import shutil
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfrecords.errors import InputError
from tfrecords.files import file_sha256, naming, sync

Arrays = dict[str, dict[str, np.ndarray]]

_STATE = "state.json"
_SUMS = "SHA256SUMS"
_REPLACED = ".replaced"


def folder(checkpoints: pathlib.Path, step: int) -> pathlib.Path:
    """Returns the folder of the checkpoint of `step`."""
    return checkpoints / f"step-{step}"


def steps(checkpoints: pathlib.Path) -> list[int]:
    """Returns the steps that have a checkpoint, in order."""
    if not checkpoints.is_dir():
        return []
    matches = (re.fullmatch(r"step-(\d+)", path.name) for path in checkpoints.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def save(checkpoints: pathlib.Path, step: int, arrays: Arrays, state: Mapping[str, Any]) -> None:
    """Writes the checkpoint of `step`; it is there for good when this returns.

    Raises:
        OSError: It could not be written, and names a file; what was written of it is gone.
    """
    scratch = checkpoints / f".step-{step}.writing"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        for group, values in arrays.items():
            with naming(scratch / f"{group}.npz"):
                np.savez(scratch / f"{group}.npz", **values)
        _write_text(scratch / _STATE, json.dumps(state, indent=1) + "\n")
        lines = [f"{file_sha256(path)}  {path.name}\n" for path in sorted(scratch.iterdir())]
        _write_text(scratch / _SUMS, "".join(lines))
        for path in (*scratch.iterdir(), scratch):
            sync(path)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    _put_in_place(checkpoints, step, scratch)


def recover(checkpoints: pathlib.Path) -> None:
    """Puts back what a kill has taken away: a checkpoint that was about to be replaced."""
    for hidden in checkpoints.glob(f".step-*{_REPLACED}"):
        path = checkpoints / hidden.name.removeprefix(".").removesuffix(_REPLACED)
        if not path.exists():
            hidden.rename(path)


def load(path: pathlib.Path, groups: Iterable[str] | None = None) -> tuple[Arrays, dict[str, Any]]:
    """Returns arrays and state of a checkpoint; with `groups`, only those arrays.

    A file that is missing, truncated or changed raises `InputError` with its name.
    """
    names = check(path, groups)
    with _damage(path):
        arrays = {group: _read_arrays(path / f"{group}.npz") for group in names}
        return arrays, json.loads((path / _STATE).read_text())


def check(path: pathlib.Path, groups: Iterable[str] | None = None) -> list[str]:
    """Compares the files of a checkpoint with their checksums; returns the groups that it has.

    Raises:
        InputError: A file is missing, truncated or changed.
    """
    with _damage(path):
        found = sums(path)
        # A group that only the folder or only the sums know of is one whose name there is damaged.
        files = {*found, *(file.name for file in path.glob("*.npz"))}
        names = {name.removesuffix(".npz") for name in files if name.endswith(".npz")}
        wanted = sorted(names if groups is None else names & set(groups))
        for file in [_STATE, *(f"{group}.npz" for group in wanted)]:
            if not (path / file).is_file():
                raise InputError(f"{path / file}: missing, this checkpoint is damaged")
            if file_sha256(path / file) != found.get(file):
                raise InputError(
                    f"{path / file}: its sha256 is not the one in {_SUMS}, it is damaged"
                )
        return wanted


@contextlib.contextmanager
def _damage(path: pathlib.Path) -> Iterator[None]:
    """Whatever goes wrong in reading a checkpoint is its damage."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: {error}; this checkpoint is damaged") from error


def load_newest(
    checkpoints: pathlib.Path, log: Callable[[str], None]
) -> tuple[Arrays, dict[str, Any]] | None:
    """Returns the newest checkpoint that is whole, or None if there is no checkpoint.

    Damaged ones are named through `log` and passed over; if all are damaged, that is an error.
    """
    problem = None
    for step in reversed(steps(checkpoints)):
        try:
            return load(folder(checkpoints, step))
        except InputError as error:
            problem = error
            log(f"{error}; going back to the checkpoint before it")
    if problem is not None:
        raise InputError(
            f"{problem}, and there is no other checkpoint to go back to; "
            "start the run again with --resume=never"
        )
    return None


def delete(checkpoints: pathlib.Path, doomed: Iterable[int]) -> None:
    """Removes checkpoints; one that is half removed is no longer seen as one."""
    for step in doomed:
        path = folder(checkpoints, step)
        if path.exists():
            shutil.rmtree(_hide(path, ".deleting"))


def prune(
    checkpoints: pathlib.Path, newest: int, keep: int, protected: Collection[int | None]
) -> None:
    """Removes all checkpoints before the last `keep` up to `newest`, but not the protected ones.

    Later ones stay; a run that went back behind damaged ones will write them again. Removes also
    what kills have left.
    """
    for path in checkpoints.glob(".step-*"):
        shutil.rmtree(path)
    past = [step for step in steps(checkpoints) if step <= newest]
    delete(checkpoints, [step for step in past[:-keep] if step not in protected])


def sums(path: pathlib.Path) -> dict[str, str]:
    """Returns the sha256 of every file of a checkpoint, as it was when it was written."""
    if not (path / _SUMS).is_file():
        raise InputError(f"{path / _SUMS}: missing, this checkpoint is damaged")
    # A byte that is no text makes a line that agrees with no file.
    text = (path / _SUMS).read_text(errors="replace")
    lines = [line.split("  ", 1) for line in text.splitlines()]
    return {line[-1]: line[0] for line in lines}


def _read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _put_in_place(checkpoints: pathlib.Path, step: int, scratch: pathlib.Path) -> None:
    """Renames the scratch folder; at any moment the checkpoint of that step, old or new, is there.

    Folders cannot be replaced at once: between two renames the old one has a hidden name, from
    which `recover` brings it back.
    """
    path = folder(checkpoints, step)
    old = _hide(path, _REPLACED) if path.exists() else None
    scratch.rename(path)
    sync(checkpoints)
    if old:
        shutil.rmtree(old)


def _hide(path: pathlib.Path, ending: str) -> pathlib.Path:
    hidden = path.with_name(f".{path.name}{ending}")
    shutil.rmtree(hidden, ignore_errors=True)
    return path.rename(hidden)


def _write_text(path: pathlib.Path, text: str) -> None:
    with naming(path):
        path.write_text(text)
