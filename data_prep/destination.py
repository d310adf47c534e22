"""The folder a dataset is built into: it appears whole, by a rename, or not at all.

A build works in a hidden folder beside it, `.NAME.building`, which survives when the process or one
of its workers is killed, so that the next build goes on from there, and is removed when the build
fails.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Iterator

from tfrecords import input_paths
from tfrecords import manifest as manifests
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest

TFDS_FILES = ("dataset_info.json", "features.json")


class Destination:
    """A dataset folder that is there, or is to be."""

    def __init__(self, data_dir: str | os.PathLike):
        self.shown = os.fspath(data_dir)
        self.data_dir = pathlib.Path(os.path.realpath(data_dir))
        self.building = self._sibling("building")
        self._replaced = self._sibling("replaced")

    def _sibling(self, role: str) -> pathlib.Path:
        return self.data_dir.with_name(f".{self.data_dir.name}.{role}")

    @property
    def new(self) -> pathlib.Path:
        """The folder that becomes `data_dir`."""
        return self.building / "dataset"

    def load(self) -> Manifest | None:
        """Returns the manifest of the dataset that is there; None if the place is free.

        Raises:
            InputError: Something else is there.
        """
        if not self.data_dir.exists() and self._replaced.exists():
            self._replaced.rename(self.data_dir)  # Killed between the two renames of `publish`.
        if self.data_dir.is_dir():
            if (self.data_dir / manifests.FILE).exists():
                return Manifest.load(self.data_dir)
            if any(self.data_dir.iterdir()):
                raise InputError(
                    f"{self.shown} holds files but no {manifests.FILE}, so it is no dataset; "
                    "give a new or an empty folder as --data_dir"
                )
        elif self.data_dir.exists():
            raise InputError(f"{self.shown} is a file; give a new or an empty folder as --data_dir")
        return None

    def is_intact(self, manifest: Manifest) -> bool:
        """Whether all shards of a manifest are there with their full sizes."""
        shards = [shard for split in manifest.splits.values() for shard in split]
        paths = [self.data_dir / shard.file for shard in shards]
        paths += [self.data_dir / manifests.GENOME / file.file for file in manifest.genome_files]
        return all(
            path.is_file() and path.stat().st_size == file.num_bytes
            for path, file in zip(paths, [*shards, *manifest.genome_files], strict=True)
        )

    def check_replaceable(self, manifest: Manifest) -> None:
        """Raises if `data_dir` holds anything that is not of its dataset and would be lost."""
        known = {shard.file for split in manifest.splits.values() for shard in split}
        known |= {manifests.FILE, input_paths.FILE, *TFDS_FILES}
        known |= {manifests.GENOME} if manifest.genome_files else set()
        others = sorted({path.name for path in self.data_dir.iterdir()} - known)
        if others:
            raise InputError(
                f"{self.shown} also holds {', '.join(others[:3])}, which --overwrite would delete; "
                "move it elsewhere first"
            )

    def check_writable(self) -> None:
        """Raises if the folder and what leads to it could not be made; makes nothing."""
        above = next(path for path in self.building.parents if path.exists())
        if not above.is_dir():
            raise InputError(f"--data_dir={self.shown}: {above} is a file, not a folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise InputError(
                f"--data_dir={self.shown}: permission denied to write in {above}; give a folder of "
                "your own, or have its owner allow it"
            )

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Makes the building folder and holds its lock.

        On leaving, an error removes the folder with all that was made for it. Being interrupted or
        killed, and an `UnfinishedError`, leave it for the next build to go on with.
        """
        made = [path for path in (self.building, *self.building.parents) if not path.exists()]
        try:
            self.new.mkdir(parents=True, exist_ok=True)
            with self._locked():
                yield
        except (InputError, OSError) as error:
            if not isinstance(error, UnfinishedError):
                _remove(self.building, made)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = self.shown
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.building / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _BusyError(
                    f"{self.shown} is being built by another process; wait until it has ended"
                ) from None
            yield

    def publish(self) -> None:
        """Puts the new dataset in the place of what is there, and clears up."""
        if self._replaced.exists():
            shutil.rmtree(self._replaced)
        if self.data_dir.exists():
            self.data_dir.rename(self._replaced)
        self.new.rename(self.data_dir)
        shutil.rmtree(self._replaced, ignore_errors=True)
        shutil.rmtree(self.building)

    def clear_up(self) -> None:
        """Removes what is left of a build that was killed after its dataset was in place."""
        self._remove_building()
        shutil.rmtree(self._replaced, ignore_errors=True)

    def _remove_building(self) -> None:
        if self.building.exists():
            with contextlib.suppress(_BusyError), self._locked():
                shutil.rmtree(self.building)


class UnfinishedError(InputError):
    """Not the fault of the input: what was built so far is of use to the next build."""


class _BusyError(UnfinishedError):
    """Somebody else's build is running; nothing of it may be touched."""


def _remove(building: pathlib.Path, made: list[pathlib.Path]) -> None:
    shutil.rmtree(building, ignore_errors=True)
    for path in made[1:]:
        with contextlib.suppress(OSError):
            path.rmdir()
