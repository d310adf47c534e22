"""An ordinary `tf.data` pipeline over the shards, for those whose training is built on one.

The only module of this package that imports TensorFlow. genokeras itself trains from `reader`,
which is faster and whose batches are reproducible one by one.
"""

import tensorflow as tf

from tfrecords.reader import Split
from tfrecords.schema import Schema

# `decode_raw` knows no unsigned numbers of these sizes; the bits are the same.
_DECODED_AS = {"uint32": "int32", "uint64": "int64"}


def as_tf_dataset(
    split: Split,
    batch_size: int,
    *,
    shuffle_buffer: int = 0,
    seed: int = 0,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Returns the examples of a split once, as batches of the fields of the schema.

    Args:
        split: An open split.
        batch_size: Examples per batch.
        shuffle_buffer: Records of the shuffle buffer; 0 gives the stored order, which is already
            that of a random hash.
        seed: Of the shuffle, which differs from one pass to the next.
        drop_remainder: Whether to leave out a last batch that is not full.
    """
    records = tf.data.TFRecordDataset([str(path) for path in split.files])
    if shuffle_buffer:
        records = records.shuffle(shuffle_buffer, seed=seed)
    batches = records.batch(batch_size, drop_remainder=drop_remainder)
    return batches.map(lambda batch: parse(batch, split.schema)).prefetch(tf.data.AUTOTUNE)


def parse(serialized: tf.Tensor, schema: Schema) -> dict[str, tf.Tensor]:
    """Returns the fields, `[B, *shape]`, of serialised Examples `[B]`."""
    wanted = {name: tf.io.FixedLenFeature((), tf.string) for name in schema.names}
    batch = tf.io.parse_example(serialized, wanted)
    for feature in schema.features:
        values = tf.io.decode_raw(
            batch[feature.name], _DECODED_AS.get(feature.dtype, feature.dtype)
        )
        values = tf.bitcast(values, feature.dtype)
        batch[feature.name] = tf.reshape(values, (-1, *feature.shape))
    return batch
