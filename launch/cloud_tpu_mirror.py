"""The work folder of a run on a TPU, when it is to be in a bucket: training writes to disks only.

What is in the bucket is copied to each host before the line starts; from then on the first host
copies the folder back now and then, and once more when the line has ended. So all hosts begin with
the same folder, that of the bucket, as long as the last copy succeeds before the next line starts.
Hidden files, which are locks and what is being written, stay where they are.
"""

import pathlib
import re
import subprocess
from collections.abc import Sequence

from tfrecords.errors import InputError

FAILED = 74  # Exit code where all went well but the last copy; EX_IOERR of sysexits.h.
_NOTHING_THERE = "Did not find existing container"
_RSYNC = (
    *("gcloud", "storage", "rsync", "--recursive", "--delete-unmatched-destination-objects"),
    r"--exclude=(.*/)?\..*",
)


def workdir_of(line: Sequence[str]) -> str | None:
    """Returns the value of --workdir in a launcher line."""
    found = None
    for word, following in zip(line, [*line[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in ("--workdir", "-workdir"):
            found = value if equals else following
    return found


class Mirror:
    """A launcher line whose work folder is in a bucket, if it is.

    Attributes:
        line: The line, with a folder of this host in place of one in a bucket.
        url: Its folder in a bucket, or None.
    """

    def __init__(self, line: Sequence[str]):
        workdir = workdir_of(line)
        self.url = workdir if workdir and "://" in workdir else None
        self.line = list(line)
        if self.url is None:
            return
        place = self.url.partition("://")[2].strip("/")
        self._folder = pathlib.Path.home() / "genokeras" / "work" / place
        old, new = re.escape(self.url), f"{self._folder}"
        self.line = [re.sub(rf"^((-?-workdir=)?){old}$", rf"\g<1>{new}", word) for word in line]

    def download(self) -> None:
        """Makes the folder here what it is in the bucket; one that is not there is no error.

        Raises:
            InputError: It could not be copied.
        """
        if self.url is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        failure = self._copy(self.url, str(self._folder))
        if failure and _NOTHING_THERE not in failure:
            raise InputError(f"{self.url}: could not be copied to the hosts of the TPU: {failure}")

    def upload(self) -> str:
        """Makes the folder in the bucket what it is here; returns why it could not, or nothing."""
        if self.url is None or not any(self._folder.glob("[!.]*")):
            return ""
        # It was downloaded before, so that nothing is deleted but what the run has.
        return self._copy(str(self._folder), self.url)

    def _copy(self, source: str, destination: str) -> str:
        done = subprocess.run(
            [*_RSYNC, source, destination], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return ""
        return next(reversed(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
