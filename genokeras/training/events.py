"""What TensorBoard shows, as values of its event files: curves, pictures, texts, HParams and more.

Written through the protocol buffers of the tensorboard package, so TensorFlow is not needed.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util import tensor_util

Value = Summary.Value

HISTOGRAM_BUCKETS = 30
_HASH_LETTERS = 6
_PNG_SIZE = slice(16, 24)  # Width and height in the header, 4 bytes each, big-endian.


def event(step: int, wall_time: float, values: Sequence[Value]) -> Event:
    """Returns the event of what was measured at a step; `wall_time` in seconds since 1970."""
    return Event(step=step, wall_time=wall_time, summary=Summary(value=values))


def scalar(tag: str, value: float) -> Value:
    """Returns a point of a curve."""
    return Value(tag=tag, simple_value=value)


def picture(tag: str, png: bytes) -> Value:
    """Returns a picture, given as the content of a PNG file."""
    width, height = struct.unpack(">II", png[_PNG_SIZE])
    image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
    return Value(tag=tag, image=image)


def text(tag: str, markdown: str) -> Value:
    """Returns a text for the tab TEXT."""
    metadata = text_metadata.create_summary_metadata(None, None)
    tensor = tensor_util.make_tensor_proto(markdown, dtype=np.object_)
    return Value(tag=tag, metadata=metadata, tensor=tensor)


def table(rows: Mapping[str, Any]) -> str:
    """Returns names and values as a Markdown table."""
    cells = ((name, str(value).replace("|", "\\|")) for name, value in rows.items())
    lines = [f"| {name} | {value} |" for name, value in cells]
    return "\n".join(["| name | value |", "|---|---|", *lines])


def histogram(tag: str, values: np.ndarray) -> Value:
    """Returns the distribution of all numbers of an array, in buckets of equal width."""
    counts, edges = np.histogram(np.asarray(values, np.float64), HISTOGRAM_BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
    metadata = histogram_metadata.create_summary_metadata(None, None)
    return Value(tag=tag, metadata=metadata, tensor=tensor_util.make_tensor_proto(buckets))


def session_start(name: str, settings: Mapping[str, Any], wall_time: float) -> Value:
    """Returns the settings by which the HPARAMS table tells runs apart.

    Numbers, texts and truth values stay what they are, lists become texts, and what is None or
    empty is left out. The name stands at the beginning of the line, with a hash of the settings
    after it: runs in one line, which shows their means, must agree in both.
    """
    known = {key: value for key, value in settings.items() if value not in (None, "")}
    canonical = json.dumps(known, sort_keys=True)
    group = f"{name} {hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_LETTERS]}"
    info = plugin_data_pb2.SessionStartInfo(group_name=group, start_time_secs=wall_time)
    for key, value in known.items():
        if isinstance(value, bool):
            info.hparams[key].bool_value = value
        elif isinstance(value, int | float):
            info.hparams[key].number_value = value
        else:
            info.hparams[key].string_value = value if isinstance(value, str) else str(value)
    data = plugin_data_pb2.HParamsPluginData(session_start_info=info)
    return _hparams(hparams_metadata.SESSION_START_INFO_TAG, data)


def session_end(wall_time: float) -> Value:
    """Returns the note that a run has ended as it should."""
    info = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=wall_time)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    return _hparams(hparams_metadata.SESSION_END_INFO_TAG, data)


def _hparams(tag: str, data: plugin_data_pb2.HParamsPluginData) -> Value:
    metadata = hparams_metadata.create_summary_metadata(data)
    return Value(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
