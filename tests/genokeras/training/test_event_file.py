import os
import time

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from genokeras.training import events
from genokeras.training.event_file import EventFile


def written(folder):
    (path,) = folder.iterdir()
    return list(EventFileLoader(str(path)).Load())


def event(step):
    return events.event(step, 1000.0, [events.scalar("loss", 1 / step)])


def test_tensorboard_reads_what_was_written(tmp_path):
    """Its reader checks both checksums of every record."""
    file = EventFile(tmp_path / "tensorboard")
    file.write([])
    assert not (tmp_path / "tensorboard").exists()
    file.write([event(1), event(2)])
    file.write([event(3)])
    found = written(tmp_path / "tensorboard")
    assert found[0].file_version == "brain.Event:2"
    assert [e.step for e in found[1:]] == [1, 2, 3]
    assert found[3].summary.value[0].tag == "loss"


def test_frames_have_the_checksums_of_another_implementation(tmp_path):
    file = EventFile(tmp_path)
    file.write([event(1)])
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert int.from_bytes(content[8:12], "little") == masked_crc32c(content[:8])
    body, footer = content[12 : 12 + length], content[12 + length : 16 + length]
    assert int.from_bytes(footer, "little") == masked_crc32c(body)


def test_every_file_is_a_new_one_and_after_those_before(tmp_path):
    """Also of one process within a second, and where the clock has gone back an hour."""
    later = tmp_path / f"events.out.tfevents.{int(time.time()) + 3600}.elsewhere.1"
    later.touch()
    (tmp_path / "events.out.tfevents.mine").touch()
    for step in (1, 2):
        EventFile(tmp_path).write([event(step)])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == later.name
    assert [str(os.getpid()) in name for name in names] == [False, True, True, False]
    steps = [e.step for name in names[1:3] for e in EventFileLoader(str(tmp_path / name)).Load()]
    assert steps == [0, 1, 0, 2]


def test_full_disk_names_the_file(tmp_path, file_size_limit):
    file = EventFile(tmp_path)
    file.write([event(1)])
    with file_size_limit(100), pytest.raises(OSError, match="File too large") as error:
        file.write([event(2)] * 10)
    (path,) = tmp_path.iterdir()
    assert error.value.filename == str(path)
