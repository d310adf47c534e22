"""GZIP shards are for archiving: they are expanded into a cache folder before they are read.

The cache is `~/.cache/genokeras`, or what the environment variable GENOKERAS_CACHE names; each
dataset has a folder in it, named by the sha256 of its manifest, and each genome one, named by that
of its FASTA file. It can be removed at any time. GENOKERAS_CACHE_LIMIT says how many GB of copies
of remote datasets it may grow to.
"""

import dataclasses
import gzip
import math
import os
import pathlib
import shutil
import tempfile
import zlib

from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.manifest import Manifest, Shard
from tfrecords.mapped_shards import MappedShards

VARIABLE, LIMIT_VARIABLE = "GENOKERAS_CACHE", "GENOKERAS_CACHE_LIMIT"
_GB = 1_000_000_000
_RESERVE = 0.05  # Share of the disk that copies of datasets leave free.
_BLOCK = 1 << 20
_REBUILD = "copy the shard again or rebuild the dataset"


def cache_root(cache_dir: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns `cache_dir`, or by default the folder that GENOKERAS_CACHE names or the user's."""
    return pathlib.Path(cache_dir or os.environ.get(VARIABLE) or "~/.cache/genokeras").expanduser()


def cache_folder(manifest: Manifest, cache_dir: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the folder of a dataset's expanded shards, there or not."""
    return cache_root(cache_dir) / manifest.sha256


def room(cache_dir: str | os.PathLike | None = None) -> int:
    """Returns how many bytes of remote datasets may still be copied into the cache.

    That is what is free on its disk, less a reserve, or less if GENOKERAS_CACHE_LIMIT says so.
    """
    root = cache_root(cache_dir)
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    disk = shutil.disk_usage(there)
    free = disk.free - int(_RESERVE * disk.total)
    limit = os.environ.get(LIMIT_VARIABLE)
    if limit:
        used = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        free = min(free, round(check_limit(limit) * _GB) - used)
    return max(0, free)


def check_limit(limit: str) -> float:
    """Returns a limit of the cache in GB; raises an InputError if the text is none."""
    try:
        gigabytes = float(limit)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < math.inf:
        raise InputError(f"{LIMIT_VARIABLE}={limit}: expected a number of GB from 0")
    return gigabytes


def open_expanded(
    data_dir: pathlib.Path,
    manifest: Manifest,
    split: str,
    cache_dir: str | os.PathLike | None = None,
) -> MappedShards:
    """Opens the GZIP shards of a split; those that the cache has with their full size are reused.

    Raises:
        InputError: A shard is missing, or not the one that the manifest describes.
    """
    folder, stride = cache_folder(manifest, cache_dir), manifest.stored_schema.stride
    folder.mkdir(parents=True, exist_ok=True)
    expanded = []
    for shard in manifest.splits[split]:
        size = shard.num_examples * stride
        _check_size(data_dir / shard.file, shard)
        target = folder / shard.file
        if not target.is_file() or target.stat().st_size != size:
            _expand(data_dir / shard.file, shard, target, size)
        expanded.append(dataclasses.replace(shard, num_bytes=size))
    remedy = f"remove {folder}, and it is expanded again"
    return MappedShards(folder, expanded, manifest.stored_schema, remedy)


def _expand(source: pathlib.Path, shard: Shard, target: pathlib.Path, size: int) -> None:
    if file_sha256(source) != shard.sha256:
        raise InputError(f"{source}: its sha256 is not the one in the manifest; {_REBUILD}")
    # A folder of its own: another process may be expanding the same shard.
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as scratch:
        partial = pathlib.Path(scratch, target.name)
        _decompress(source, partial, size)
        partial.replace(target)


def _check_size(source: pathlib.Path, shard: Shard) -> None:
    if not source.is_file():
        raise InputError(f"{source}: this shard is missing; {_REBUILD}")
    size = source.stat().st_size
    if size != shard.num_bytes:
        raise InputError(
            f"{source}: has {size} bytes, the manifest gives {shard.num_bytes}; {_REBUILD}"
        )


def _decompress(source: pathlib.Path, target: pathlib.Path, size: int) -> None:
    """Writes the `size` bytes that a GZIP file holds into a new file."""
    num_bytes = 0
    try:
        with gzip.open(source) as compressed, target.open("wb", buffering=0) as expanded:
            while num_bytes <= size and (block := compressed.read(_BLOCK)):
                num_bytes += expanded.write(block)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{source}: cannot be decompressed ({error}); {_REBUILD}") from None
    except OSError as error:
        error.filename = error.filename or str(target.parents[1])
        raise
    if num_bytes != size:
        raise InputError(
            f"{source}: holds {'more' if num_bytes > size else 'fewer'} than the {size} bytes of "
            f"its records; {_REBUILD}"
        )
