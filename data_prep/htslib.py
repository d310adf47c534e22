"""pysam, which an extra installs, and htslib below it, which would write to the screen unasked."""

import contextlib
import os
import types
from collections.abc import Iterator

from tfrecords.errors import InputError


@contextlib.contextmanager
def quiet_pysam(path: str | os.PathLike, task: str) -> Iterator[types.ModuleType]:
    """Gives the module, which reports nothing but exceptions in this block.

    Args:
        path: The file that it is wanted for.
        task: What for, `reading a genome`.

    Raises:
        InputError: It is not installed.
    """
    try:
        import pysam
    except ImportError:
        raise InputError(
            f"{path}: {task} needs the package pysam; pip install 'genokeras[prep]'"
        ) from None
    verbosity = pysam.set_verbosity(0)
    try:
        yield pysam
    finally:
        pysam.set_verbosity(verbosity)
