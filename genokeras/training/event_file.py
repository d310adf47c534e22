"""A file of TensorBoard events: a TFRecord file whose records are `Event` protocol buffers."""

import os
import pathlib
import socket
import struct
import time

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event

from tfrecords.crc32c import crc32c, mask
from tfrecords.files import naming, sync

_NAME = "events.out.tfevents"
_VERSION = "brain.Event:2"  # By it TensorBoard knows the format.


class EventFile:
    """A new file of events in `folder`; both are made with the first event.

    tensorboard's own writer has a thread that writes some time later, and works out checksums byte
    by byte in Python.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._path: pathlib.Path | None = None

    def write(self, events: list[Event]) -> None:
        """Appends events; the disk has them when this returns."""
        if not events:
            return
        if self._path is None:
            self._path = _create(self._folder)
            events = [Event(wall_time=time.time(), file_version=_VERSION), *events]
        with naming(self._path), self._path.open("ab") as file:
            file.writelines(_frame(event.SerializeToString()) for event in events)
        sync(self._path)


def _create(folder: pathlib.Path) -> pathlib.Path:
    """Makes a file that was not there.

    TensorBoard reads files in the order of their names, which begin with a time: it is later than
    those of the files before, whatever the clock of this machine says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seconds = [int(time.time()), *(_seconds(path) + 1 for path in folder.glob(f"{_NAME}.*"))]
    path = folder / f"{_NAME}.{max(seconds):010d}.{socket.gethostname()}.{os.getpid()}"
    path.touch(exist_ok=False)
    return path


def _seconds(path: pathlib.Path) -> int:
    text = path.name.removeprefix(f"{_NAME}.").split(".")[0]
    return int(text) if text.isdecimal() else 0


def _frame(record: bytes) -> bytes:
    header = struct.pack("<Q", len(record))
    return header + _checksum(header) + record + _checksum(record)


def _checksum(data: bytes) -> bytes:
    return mask(crc32c(np.frombuffer(data, np.uint8)[None])).astype("<u4").tobytes()
