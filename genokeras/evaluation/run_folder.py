"""Whether there is a run in a folder, found out without loading Keras, which takes seconds."""

import os
import pathlib

from genokeras.training import settings
from tfrecords.errors import InputError


def check(workdir: str | os.PathLike) -> None:
    """Looks for the settings of a run.

    Raises:
      InputError: There are none, or they cannot be read.
    """
    if settings.read(pathlib.Path(workdir)) is None:
        raise InputError(
            f"{workdir}: no run here, it has no {settings.CONFIG_FILE}; launch.train makes one"
        )
