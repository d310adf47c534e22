"""The flag of `launch.build_dataset` for datasets of TFDS, and the source that it describes."""

import os
from collections.abc import Sequence
from typing import Any

from absl import flags

from data_prep.tfds_source import TfdsDataset
from launch import quiet
from tfrecords.errors import InputError

_TFDS_DIR = flags.DEFINE_string(
    "tfds_dir", None, "TFDS: its folder, where --input is the name of a dataset prepared in it."
)

MEANINGS = {("tfds",): ("tfds_dir",)}


def open_source(inputs: Sequence[str], **options: Any) -> TfdsDataset:
    """Returns the source of the one dataset in `inputs`; `options` are those of `TfdsDataset`."""
    if len(inputs) != 1:
        raise InputError(f"--input={','.join(inputs)}, expected one dataset of TFDS")
    # Reading needs no GPU, but TensorFlow would take all the memory of one.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with quiet.held_back():
        return TfdsDataset(inputs[0], tfds_dir=_TFDS_DIR.value, **options)
