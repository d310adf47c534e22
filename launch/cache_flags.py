"""Flags of launchers that read datasets: where copies of remote ones are, and how much of them."""

import os

from absl import flags

from tfrecords import cache

_CACHE_DIR = flags.DEFINE_string(
    "cache_dir", None, "Folder for copies of remote datasets and expanded GZIP shards; default: "
    f"what {cache.VARIABLE} names, or ~/.cache/genokeras.",
)  # fmt: skip
_CACHE_LIMIT = flags.DEFINE_float(
    "cache_limit", None, "GB that the cache may grow to with copies of remote datasets; a split "
    "that does not fit is read over the network as it is needed. Default: what is free on the "
    "disk, less 5% of it.", lower_bound=0,
)  # fmt: skip


def apply() -> None:
    """Puts the flags where this process and those that it starts look: into the environment."""
    for flag, variable in ((_CACHE_DIR, cache.VARIABLE), (_CACHE_LIMIT, cache.LIMIT_VARIABLE)):
        if flag.value is not None:
            os.environ[variable] = str(flag.value)
