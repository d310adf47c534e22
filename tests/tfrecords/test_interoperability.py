"""Shards are ordinary TFRecord files: TensorFlow, TFDS and Grain read them and would write them."""

import json

import grain
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tfrecords import tfds_metadata
from tfrecords.grain_source import Examples, TrainBatches
from tfrecords.schema import Feature, Schema
from tfrecords.tf_dataset import as_tf_dataset
from tfrecords.writer import ShardWriter

ALL_TYPES = Schema(
    tuple(
        Feature(f"x_{dtype}", dtype, (2, 3))
        for dtype in (
            *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
            *("float16", "float32", "float64"),
        )
    )
)


def random_columns(schema, num_rows):
    rng = np.random.default_rng(0)
    return {
        feature.name: (rng.normal(size=(num_rows, *feature.shape)) * 50).astype(feature.stored)
        if feature.stored.kind == "f"
        else rng.integers(0, 127, (num_rows, *feature.shape)).astype(feature.stored)
        for feature in schema.features
    }


def as_example(columns, row):
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[np.asarray(values[row]).tobytes()])
                )
                for name, values in columns.items()
            }
        )
    )


@pytest.mark.parametrize(
    "schema",
    [
        ALL_TYPES,
        Schema((Feature("a", "uint8", (127,)), Feature("b", "uint8", (128,)))),
        Schema((Feature("x", "float32", (9000,)), Feature("a_rather_long_name", "int8", ()))),
    ],
)
def test_bytes_are_those_of_tensorflow(tmp_path, schema):
    columns = random_columns(schema, 20)
    with ShardWriter(tmp_path / "ours", schema) as writer:
        writer.write(columns)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for row in range(20):
            writer.write(as_example(columns, row).SerializeToString(deterministic=True))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_records_are_examples(save, make_columns):
    columns = make_columns(12)
    files = [str(path) for path in save(columns).split("train").files]
    for row, record in enumerate(tf.data.TFRecordDataset(files).as_numpy_iterator()):
        feature = tf.train.Example.FromString(record).features.feature
        assert sorted(feature) == sorted(columns)
        for name, values in columns.items():
            assert feature[name].bytes_list.value == [np.asarray(values[row]).tobytes()]
    assert row == 11


def test_tensorflow_sees_the_flipped_byte_too(save, make_columns):
    path = save(make_columns(9)).split("train").files[0]
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset([str(path)]))


def test_tf_data_pipeline_gives_the_fields(save, make_columns):
    columns = make_columns(50)
    batches = list(as_tf_dataset(save(columns).split("train"), 8).as_numpy_iterator())
    assert [len(batch["row"]) for batch in batches] == [8] * 6 + [2]
    for name, values in columns.items():
        np.testing.assert_array_equal(np.concatenate([b[name] for b in batches]), values)


def test_tf_data_pipeline_reads_all_types(save):
    columns = random_columns(ALL_TYPES, 10)
    split = save(columns, schema=ALL_TYPES, tasks=()).split("train")
    (batch,) = as_tf_dataset(split, 10).as_numpy_iterator()
    for name, values in columns.items():
        assert batch[name].dtype == values.dtype
        np.testing.assert_array_equal(batch[name], values)


def test_tf_data_pipeline_shuffles(save, make_columns):
    split = save(make_columns(50)).split("train")
    dataset = as_tf_dataset(split, 8, shuffle_buffer=50, seed=1, drop_remainder=True)
    first, second = (
        np.concatenate([batch["row"] for batch in dataset.as_numpy_iterator()]) for _ in range(2)
    )
    assert len(set(first)) == len(set(second)) == 48
    assert (first != second).any()


def write_own_metadata(data_dir, manifest):
    """Lets TFDS itself describe the dataset."""
    features = {
        feature.name: tfds.features.Tensor(
            shape=feature.shape, dtype=feature.stored.type, encoding=tfds.features.Encoding.BYTES
        )
        for feature in manifest.schema.features
    }
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=[shard.num_examples for shard in shards],
            num_bytes=sum(shard.num_bytes for shard in shards),
            filename_template=tfds.core.ShardedFileTemplate(
                data_dir=data_dir,
                dataset_name=manifest.name,
                split=split,
                filetype_suffix="tfrecord",
            ),
        )
        for split, shards in manifest.splits.items()
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=data_dir, features=tfds.features.FeaturesDict(features), split_infos=splits
    )


def read_metadata(data_dir):
    return [
        json.loads((data_dir / file).read_text()) for file in ("dataset_info.json", "features.json")
    ]


def test_metadata_are_those_of_tfds(tmp_path, save, make_columns):
    manifest = save(make_columns(50), "test").manifest
    tfds_metadata.write(tmp_path, manifest)
    ours = read_metadata(tmp_path)
    write_own_metadata(tmp_path, manifest)
    assert ours == read_metadata(tmp_path)


def test_tfds_reads_a_part_of_a_split(tmp_path, save, make_columns):
    columns = make_columns(50)
    tfds_metadata.write(tmp_path, save(columns, "test").manifest)
    builder = tfds.builder_from_directory(str(tmp_path))
    assert builder.info.splits["test"].num_examples == 50
    examples = list(builder.as_dataset(split="test[:10%]").as_numpy_iterator())
    assert len(examples) == 5
    for row, example in enumerate(examples):
        assert sorted(example) == sorted(columns)
        for name, values in columns.items():
            np.testing.assert_array_equal(example[name], values[row])


def test_metadata_appear_whole(tmp_path, save, make_columns):
    tfds_metadata.write(tmp_path, save(make_columns(3)).manifest)
    assert not list(tmp_path.glob(".writing*"))


def test_grain_reads_examples_at_random(save, make_columns):
    columns = make_columns(30)
    source = Examples(save(columns).split("train"))
    dataset = grain.MapDataset.source(source).shuffle(seed=0)
    examples = list(dataset)
    assert sorted(example["row"] for example in examples) == list(range(30))
    for example in examples:
        for name, values in columns.items():
            np.testing.assert_array_equal(example[name], values[example["row"]])


def test_grain_resumes_training_batches(save, make_columns):
    split = save(make_columns(30)).split("train")
    source = TrainBatches(split, 20, batch_size=8, seed=5)
    assert len(source) == 20
    iterator = iter(grain.MapDataset.source(source).to_iter_dataset())
    for _ in range(7):
        next(iterator)
    state = iterator.get_state()
    resumed = iter(grain.MapDataset.source(source).to_iter_dataset())
    resumed.set_state(state)
    expected = split.train_batches(7, batch_size=8, seed=5)
    for batch in resumed:
        for name, values in next(expected).items():
            np.testing.assert_array_equal(batch[name], values)
