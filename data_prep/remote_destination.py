"""The folder at a URL that a dataset is built into: built here, in the cache, and then uploaded.

The manifest goes last, and that of a dataset which is replaced is taken away first: what has a
manifest is whole. If the network fails, the shards stay here, and the same command uploads them.
"""

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterable

from data_prep.destination import TFDS_FILES, Destination, UnfinishedError
from tfrecords import input_paths
from tfrecords import manifest as manifests
from tfrecords.cache import cache_root
from tfrecords.errors import InputError
from tfrecords.manifest import GENOME, Manifest
from tfrecords.parallel import for_each
from tfrecords.remote_path import RemotePath, path_of

_OURS = re.compile(
    rf"[^/]+\.tfrecord-\d+-of-\d+|{GENOME}/[^/]+|"
    + "|".join(map(re.escape, (manifests.FILE, input_paths.FILE, *TFDS_FILES)))
)


class RemoteDestination(Destination):
    """A dataset folder at a URL that is there, or is to be."""

    def __init__(self, url: RemotePath):
        self.shown, self.data_dir = str(url), url
        digest = hashlib.sha256(self.shown.encode()).hexdigest()[:12]
        self.building = cache_root().absolute() / "builds" / f"{url.name}-{digest}"

    def load(self) -> Manifest | None:
        files = self.data_dir.files()
        if manifests.FILE in files:
            return Manifest.load(self.data_dir)
        if others := _others(files):
            raise InputError(
                f"{self.shown} holds files ({others}) but no {manifests.FILE}, so it is no "
                "dataset; give a new or an empty folder as --data_dir"
            )
        return None

    def is_intact(self, manifest: Manifest) -> bool:
        files = self.data_dir.files()
        shards = {file.file: file for split in manifest.splits.values() for file in split}
        genome = {f"{GENOME}/{file.file}": file for file in manifest.genome_files}
        return all(files.get(x) == file.num_bytes for x, file in (shards | genome).items())

    def check_replaceable(self, manifest: Manifest) -> None:
        if others := _others(self.data_dir.files()):
            raise InputError(
                f"{self.shown} also holds {others}; move it elsewhere first, or give another "
                "--data_dir"
            )

    def publish(self) -> None:
        try:
            self._upload()
        except InputError as error:
            raise UnfinishedError(str(error)) from None
        shutil.rmtree(self.building)

    def clear_up(self) -> None:
        self._remove_building()

    def _upload(self) -> None:
        old = self.data_dir.files()
        (self.data_dir / manifests.FILE).remove()
        paths = (path for path in sorted(self.new.rglob("*")) if path.is_file())
        new = {path.relative_to(self.new).as_posix(): path for path in paths}

        def upload(name: str, cancelled: threading.Event) -> None:
            (self.data_dir / name).upload(new[name], cancelled=cancelled)

        for_each(upload, [name for name in new if name != manifests.FILE])
        for_each(lambda name, _: (self.data_dir / name).remove(), old.keys() - new)
        (self.data_dir / manifests.FILE).upload(new[manifests.FILE])


def _others(files: Iterable[str]) -> str:
    """Returns the first names that are none of a dataset, nor of an upload that was interrupted."""
    return ", ".join([name for name in sorted(files) if not _OURS.fullmatch(name)][:3])


def open_destination(data_dir: str | os.PathLike) -> Destination:
    """Returns the folder that a dataset is built into, on this machine or at a URL."""
    path = path_of(data_dir)
    return RemoteDestination(path) if isinstance(path, RemotePath) else Destination(data_dir)
