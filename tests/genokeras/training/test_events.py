"""What is written as protocol buffers is what TensorBoard's own reader finds."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from genokeras.training import events

SETTINGS = {"model": "cnn", "rate": 0.5, "steps": 3, "jit": True, "sizes": [1, 2]}


def read(folder, *values, step=7):
    writer = EventFileWriter(str(folder))
    writer.add_event(events.event(step, 1000.0, values))
    writer.close()
    return EventAccumulator(str(folder)).Reload()


def png(width, height):
    """A black picture, written byte by byte as the PNG specification says."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    file = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    file.seek(0, io.SEEK_END)
    file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)))
    file.write(chunk(b"IDAT", zlib.compress(b"\0" * (width + 1) * height)))
    file.write(chunk(b"IEND", b""))
    return file.getvalue()


def hparams(accumulator, tag):
    content = accumulator.SummaryMetadata(tag).plugin_data.content
    parse = {
        metadata.SESSION_START_INFO_TAG: metadata.parse_session_start_info_plugin_data,
        metadata.SESSION_END_INFO_TAG: metadata.parse_session_end_info_plugin_data,
    }[tag]
    return parse(content)


def test_a_scalar_is_a_point_of_a_curve(tmp_path):
    (point,) = read(tmp_path, events.scalar("valid/auroc", 0.75)).Scalars("valid/auroc")
    assert (point.step, point.value, point.wall_time) == (7, 0.75, 1000.0)


def test_a_picture_is_kept_as_it_is_with_its_size(tmp_path):
    picture = png(30, 20)
    (image,) = read(tmp_path, events.picture("valid/curves", picture)).Images("valid/curves")
    assert image.encoded_image_string == picture
    assert (image.width, image.height) == (30, 20)


def test_a_text_is_found_under_the_plugin_for_texts(tmp_path):
    accumulator = read(tmp_path, events.text("run/command", "**ACGT**, 5'→3'"))
    (text,) = accumulator.Tensors("run/command")
    assert tensor_util.make_ndarray(text.tensor_proto).item().decode() == "**ACGT**, 5'→3'"
    assert accumulator.SummaryMetadata("run/command").plugin_data.plugin_name == "text"


def test_a_table_escapes_what_would_end_a_cell():
    assert events.table({"a": 1, "b": "x|y"}).splitlines() == [
        "| name | value |", "|---|---|", "| a | 1 |", "| b | x\\|y |",
    ]  # fmt: skip


def test_a_histogram_counts_every_number_once(tmp_path):
    values = np.arange(60, dtype=np.float32).reshape(3, 20)
    accumulator = read(tmp_path, events.histogram("weights/kernel", values))
    (found,) = accumulator.Tensors("weights/kernel")
    buckets = tensor_util.make_ndarray(found.tensor_proto)
    assert buckets.shape == (30, 3)
    np.testing.assert_array_equal(buckets[:, 2], 2)
    assert (buckets[0, 0], buckets[-1, 1]) == (0, 59)
    np.testing.assert_array_equal(buckets[1:, 0], buckets[:-1, 1])
    plugin = accumulator.SummaryMetadata("weights/kernel").plugin_data.plugin_name
    assert plugin == "histograms"


def test_a_histogram_of_equal_numbers_holds_them_all(tmp_path):
    (found,) = read(tmp_path, events.histogram("bias", np.zeros(8))).Tensors("bias")
    assert tensor_util.make_ndarray(found.tensor_proto)[:, 2].sum() == 8


def test_settings_keep_their_kinds_and_what_is_empty_is_left_out(tmp_path):
    given = SETTINGS | {"patience": None, "best_metric": "", "seed": 0}
    accumulator = read(tmp_path, events.session_start("wide", given, 5.0))
    start = hparams(accumulator, metadata.SESSION_START_INFO_TAG)
    assert start.start_time_secs == 5.0
    kinds = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
    assert kinds == {
        "model": "string_value", "rate": "number_value", "steps": "number_value",
        "jit": "bool_value", "sizes": "string_value", "seed": "number_value",
    }  # fmt: skip
    assert start.hparams["rate"].number_value == 0.5
    assert start.hparams["sizes"].string_value == "[1, 2]"


@pytest.mark.parametrize(
    ("name", "change", "is_same"),
    [("wide", {}, True), ("wide", {"rate": 0.25}, False), ("deep", {}, False)],
)
def test_only_equal_runs_are_one_line_of_the_table(tmp_path, name, change, is_same):
    groups = []
    for number, given in enumerate([("wide", SETTINGS), (name, SETTINGS | change)]):
        value = events.session_start(*given, float(number))
        accumulator = read(tmp_path / str(number), value)
        groups.append(hparams(accumulator, metadata.SESSION_START_INFO_TAG).group_name)
    assert (groups[0] == groups[1]) == is_same
    assert groups[0].startswith("wide ")


def test_the_end_is_a_success_with_a_time(tmp_path):
    accumulator = read(tmp_path, events.session_end(9.0))
    end = hparams(accumulator, metadata.SESSION_END_INFO_TAG)
    assert (end.status, end.end_time_secs) == (api_pb2.STATUS_SUCCESS, 9.0)


def test_no_tensorflow_is_loaded():
    code = (
        "import sys, genokeras.training.events as events\n"
        "events.session_start('x', {'a': 1}, 0.0), events.text('a', 'b')\n"
        "events.histogram('c', [1.0])\n"
        "sys.exit('tensorflow' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
