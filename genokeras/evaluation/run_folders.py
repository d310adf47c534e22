"""Which runs are meant: a folder, several with commas between, or a pattern; and where to write.

Loads no Keras, so that what is mistyped need not wait for it.
"""

import glob
import os
import pathlib
from collections.abc import Sequence

from genokeras.training import remote_workdir, settings
from tfrecords.errors import InputError
from tfrecords.remote_path import is_remote

FOLDER = "evaluation"


def find(workdirs: str | os.PathLike | Sequence[str | os.PathLike]) -> list[pathlib.Path]:
    """Returns the folders of runs, in the order given, those of a pattern sorted.

    Args:
      workdirs: A folder or several; a text may hold commas and the wildcards `*`, `?` and `[...]`.
        Of runs at a URL the folders are copies in the cache, as of their last checkpoint.

    Raises:
      InputError: A folder holds no run, is given twice, or nothing matches a pattern.
    """
    if isinstance(workdirs, str | os.PathLike):
        workdirs = [workdirs]
    folders: list[pathlib.Path] = []
    for part in (part for entry in workdirs for part in _parts(os.fspath(entry))):
        if not part:
            raise InputError(
                f"--workdir={','.join(map(os.fspath, workdirs))}: a folder is missing "
                "before or after a comma"
            )
        found = [part]
        if is_remote(part):
            found = [remote_workdir.copy_to_read(part)]
        elif glob.has_magic(part) and not pathlib.Path(part).exists():
            found = sorted(
                path
                for path in glob.glob(part)
                if pathlib.Path(path, settings.CONFIG_FILE).exists()
            )
            if not found:
                raise InputError(f"--workdir={part}: no folder of a run matches this pattern")
        folders += map(pathlib.Path, found)
    for place, folder in enumerate(folders):
        settings.require(folder)
        if any(folder.samefile(other) for other in folders[:place]):
            raise InputError(f"{folder}: given twice; a run is one member of an ensemble")
    return folders


def destination(folders: Sequence[pathlib.Path], output: str | os.PathLike | None) -> pathlib.Path:
    """Returns where the files of an evaluation go; nothing is made yet.

    Args:
      folders: Of the runs.
      output: What was asked for; None: the folder `evaluation` of the only run.

    Raises:
      InputError: There are several runs and no `output`, or it cannot be a folder.
    """
    if output is None:
        if len(folders) > 1:
            raise InputError(
                f"--output is missing: an ensemble of {len(folders)} runs has no folder of its "
                "own; give --output=DIR for its scores, predictions and pictures"
            )
        output = folders[0] / FOLDER
    folder = pathlib.Path(output)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if "://" in os.fspath(output) or not there.is_dir():
        raise InputError(f"--output={output}: expected a folder of this machine, or a new one")
    if not os.access(there, os.W_OK):
        raise InputError(f"{there}: no permission to write there; give another folder as --output")
    return folder


def report_folder(folder: pathlib.Path, workdirs: Sequence[pathlib.Path]) -> pathlib.Path:
    """Returns where the report on an evaluation goes whose other files go to `folder`.

    That is the folder of the run, if theirs is `evaluation` in it, else the same as theirs.
    """
    own = [workdir for workdir in workdirs if folder.resolve() == (workdir / FOLDER).resolve()]
    return own[0] if len(workdirs) == 1 and own else folder


def _parts(text: str) -> list[str]:
    """Splits at commas, unless it is the name of a folder with a comma in it."""
    return [text] if pathlib.Path(text).is_dir() else text.split(",")
