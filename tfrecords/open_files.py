"""Room for open files: a mapped shard counts as one of them for as long as its split is in use."""

import os

from tfrecords.errors import InputError

try:
    import resource
except ImportError:  # Not a Unix: there is no such limit.
    resource = None

_SPARE = 64  # For what a training opens beside its shards.


def make_room(num_files: int) -> None:
    """Raises the soft limit of open files to the hard one if so many more would not fit.

    Raises:
        InputError: The hard limit is too low as well.
    """
    if resource is None:
        return
    needed = _num_open() + num_files + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or needed <= soft:
        return
    if hard != unlimited and needed > hard:
        raise InputError(
            f"{num_files} shards are to be open at the same time, but this process may open no "
            f"more than {hard} files; allow more (ulimit -n {needed}), or build the dataset again "
            "with fewer --num_shards"
        )
    # Systems without a hard limit still refuse an unlimited soft one.
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == unlimited else hard, hard))


def _num_open() -> int:
    """Returns how many files are open: a new one gets the lowest number that is free."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number
