"""`input_paths.json`: where the input files of a dataset lay on the machine that built it.

It stands beside the manifest and not in it, since the same build elsewhere has the same manifest.
Nothing but the command that repeats a build is made of it: a dataset without this file is complete.
"""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence

from tfrecords.errors import InputError
from tfrecords.files import replacing
from tfrecords.remote_path import is_remote, path_of

FILE = "input_paths.json"


def save(data_dir: str | os.PathLike, paths: Mapping[str, Sequence[str]]) -> None:
    """Writes the absolute paths of the input files: by split, or `input` for those of all.

    A file that holds them already is left alone, and so is a dataset at a URL.
    """
    if is_remote(data_dir):
        return
    content = {split: list(map(_absolute, files)) for split, files in paths.items()}
    path, text = pathlib.Path(data_dir, FILE), json.dumps(content, indent=2, sort_keys=True) + "\n"
    if path.exists() and path.read_text() == text:
        return
    with replacing(path) as partial:
        partial.write_text(text)


def _absolute(path: str | os.PathLike) -> str:
    return os.fspath(path) if is_remote(path) else os.path.abspath(path)


def load(data_dir: str | os.PathLike) -> dict[str, list[str]] | None:
    """Returns what `save` was given, as absolute paths; None if there is no such file.

    Raises:
        InputError: The file holds something else.
    """
    path = path_of(data_dir) / FILE
    try:
        content = json.loads(path.read_text())
        return {split: [os.fspath(file) for file in files] for split, files in content.items()}
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, AttributeError):
        raise InputError(
            f"{path}: expected a list of paths by split; delete it, a dataset needs it for nothing "
            "but the command in reports that builds it again"
        ) from None
