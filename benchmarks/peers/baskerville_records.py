"""Long windows with coverage, stored and read as baskerville documents it.

After `hound_data_write.py` and `dataset.py` of calico/baskerville, commits 4e7aa5b and 061df8a:
TFRecords in ZLIB files of 256 windows, with the features `sequence` (uint8, the number of each base
in ACGT, 4 for others) and `target` (float16); for training four files are interleaved, 128 records
shuffled, and each is parsed, unpacked and cast to float32 by a map on one thread.

Shapes: windows of `L` bp, targets `[bins, T]`.
"""

import pathlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

WINDOWS_PER_FILE = 256
FILES_AT_ONCE = 4
SHUFFLED = 128
NUM_BASES = 4


def write(folder: pathlib.Path, windows: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Writes windows: the numbers of their bases, uint8 `[L]`, and targets, float16."""
    folder.mkdir()
    options = tf.io.TFRecordOptions(compression_type="ZLIB")
    writer = None
    for number, (bases, targets) in enumerate(windows):
        if number % WINDOWS_PER_FILE == 0:
            if writer is not None:
                writer.close()
            path = folder / f"train-{number // WINDOWS_PER_FILE}.tfr"
            writer = tf.io.TFRecordWriter(str(path), options)
        fields = {"sequence": _feature(bases), "target": _feature(targets)}
        example = tf.train.Example(features=tf.train.Features(feature=fields))
        writer.write(example.SerializeToString())
    writer.close()


def open_records(
    folder: pathlib.Path, batch_size: int, shape: tuple[int, int], length: int, *, shuffles: bool
) -> tf.data.Dataset:
    """Returns batches of one-hot sequences `[B, L, 4]` and targets `[B, bins, T]`, float32.

    Args:
        folder: With the files.
        batch_size: Windows of a batch.
        shape: Of the targets of a window.
        length: Of a window, in bp.
        shuffles: As for training, but for `repeat`: what is read ahead of the next epoch would be
            read while others are timed.
    """
    paths = sorted(map(str, folder.glob("*.tfr")), key=lambda path: (len(path), path))
    dataset = tf.data.Dataset.from_tensor_slices(paths)
    if shuffles:
        dataset = dataset.interleave(
            _records, cycle_length=FILES_AT_ONCE, num_parallel_calls=tf.data.AUTOTUNE
        )
        dataset = dataset.shuffle(SHUFFLED, reshuffle_each_iteration=True)
    else:
        dataset = dataset.flat_map(_records)

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        feature = tf.io.FixedLenFeature([], tf.string)
        found = tf.io.parse_single_example(record, {"sequence": feature, "target": feature})
        bases = tf.reshape(tf.io.decode_raw(found["sequence"], tf.uint8), [length])
        # Bases that are none of the four are a fifth column, which is dropped.
        one_hot = tf.one_hot(bases, 1 + NUM_BASES, dtype=tf.uint8)[:, :-1]
        targets = tf.reshape(tf.io.decode_raw(found["target"], tf.float16), shape)
        return tf.cast(one_hot, tf.float32), tf.cast(targets, tf.float32)

    return dataset.map(parse).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _records(path: tf.Tensor) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(path, compression_type="ZLIB")


def _feature(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values.tobytes()]))
