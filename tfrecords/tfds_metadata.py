"""The two JSON files that let `tfds.builder_from_directory(data_dir)` read a dataset.

They are written here, so that a build needs neither TFDS nor TensorFlow; the content is what
`tfds.folder_dataset.write_metadata` would write.
"""

import json
import os
import pathlib

from tfrecords.files import replacing
from tfrecords.manifest import Manifest, Shard
from tfrecords.schema import Feature

_FEATURES = "tensorflow_datasets.core.features"


def write(data_dir: str | os.PathLike, manifest: Manifest) -> None:
    """Writes `dataset_info.json` and `features.json` into the folder of the shards."""
    for file, content in (
        ("dataset_info.json", _dataset_info(manifest)),
        ("features.json", _features(manifest)),
    ):
        with replacing(pathlib.Path(data_dir, file)) as partial:
            partial.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _dataset_info(manifest: Manifest) -> dict:
    return {
        "fileFormat": "tfrecord",
        "name": manifest.name,
        "splits": [_split(split, shards) for split, shards in manifest.splits.items()],
        "version": f"{manifest.format_version}.0.0",
    }


def _split(name: str, shards: tuple[Shard, ...]) -> dict:
    # Protobuf's JSON writes 64-bit numbers as strings.
    return {
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        "name": name,
        "numBytes": str(sum(shard.num_bytes for shard in shards)),
        "shardLengths": [str(shard.num_examples) for shard in shards],
    }


def _features(manifest: Manifest) -> dict:
    return {
        "featuresDict": {
            "features": {
                feature.name: _tensor(feature) for feature in manifest.stored_schema.features
            }
        },
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
    }


def _tensor(feature: Feature) -> dict:
    shape = {"dimensions": [str(size) for size in feature.shape]} if feature.shape else {}
    return {
        "pythonClassName": f"{_FEATURES}.tensor_feature.Tensor",
        "tensor": {"dtype": feature.dtype, "encoding": "bytes", "shape": shape},
    }
