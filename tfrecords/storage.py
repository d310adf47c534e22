"""Where the bytes of a split come from: its own folder, copies in the cache, or the network.

Shards at a URL are mirrored into the cache if there is room for those of the split, and else read
as they are needed. Opened again, they are where they were: nothing is fetched twice.
"""

import os
import pathlib

from tfrecords import cache
from tfrecords.errors import InputError
from tfrecords.manifest import GENOME, Manifest
from tfrecords.mapped_shards import MappedShards
from tfrecords.mirror import Progress, mirror, missing
from tfrecords.packed_genome import PackedGenome
from tfrecords.remote_path import RemotePath
from tfrecords.streamed_shards import StreamedShards

_COMPRESSED = "compressed"
_GB = 1_000_000_000

DataDir = pathlib.Path | RemotePath


def open_records(
    data_dir: DataDir,
    manifest: Manifest,
    split: str,
    *,
    cache_dir: str | os.PathLike | None = None,
    progress: Progress | None = None,
) -> MappedShards | StreamedShards:
    """Opens the shards of a split.

    Args:
        data_dir: Folder of the dataset.
        manifest: Its manifest.
        split: Name of the split.
        cache_dir: See `cache.cache_root`.
        progress: Starts a progress bar if something has to be fetched; see `mirror`.

    Raises:
        InputError: A shard is missing or not the one described, or there is no room for GZIP
            shards, which can only be read in the cache.
    """
    shards, schema = manifest.splits[split], manifest.stored_schema
    folder, is_gzip = cache.cache_folder(manifest, cache_dir), manifest.compression == "gzip"
    if isinstance(data_dir, RemotePath):
        copies = folder / _COMPRESSED if is_gzip else folder
        size = sum(shard.num_bytes for shard in missing(shards, copies))
        expanded = manifest.num_examples(split) * schema.stride if is_gzip and size else 0
        if size and size + expanded > cache.room(cache_dir):
            if is_gzip:
                raise InputError(
                    f"{data_dir}: its GZIP shards take {(size + expanded) / _GB:.1f} GB in the "
                    f"cache {cache.cache_root(cache_dir)}, where there is less room; give another "
                    "--cache_dir, or build the dataset with --compression=none, which can be read "
                    "without a copy"
                )
            return StreamedShards(data_dir, shards, schema)
        mirror(data_dir, shards, copies, what=split, progress=progress)
        data_dir = copies
        if not is_gzip:
            return MappedShards(folder, shards, schema, f"remove {folder}, and it is fetched again")
    if is_gzip:
        return cache.open_expanded(data_dir, manifest, split, cache_dir)
    return MappedShards(data_dir, shards, schema)


def open_genome(
    data_dir: DataDir,
    manifest: Manifest,
    *,
    cache_dir: str | os.PathLike | None = None,
    progress: Progress | None = None,
) -> PackedGenome | None:
    """Opens the genome that a dataset holds, if it holds one; that of a remote one in the cache."""
    if not manifest.genome_files:
        return None
    if isinstance(data_dir, RemotePath):
        copies = cache.cache_folder(manifest, cache_dir) / GENOME
        mirror(
            data_dir / GENOME, manifest.genome_files, copies, what="the genome", progress=progress
        )
        return PackedGenome(copies)
    folder = data_dir / GENOME
    for file in manifest.genome_files:
        path = folder / file.file
        size = path.stat().st_size if path.is_file() else "no"
        if size != file.num_bytes:
            raise InputError(
                f"{path}: has {size} bytes, the manifest gives {file.num_bytes}; copy the folder "
                "again or rebuild the dataset"
            )
    return PackedGenome(folder)
