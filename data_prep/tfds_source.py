"""Examples of a dataset of TensorFlow Datasets (TFDS) that is prepared on disk.

Opening such a source loads TensorFlow; nothing else in this package does.

Shapes: `N` rows.
"""

import os
import pathlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from data_prep import table_columns, text_rows, tfds_features
from data_prep.source import UNSPLIT, Batch, labelled_sequences, split_code
from data_prep.text_file import check_is_file
from data_prep.tfds_features import Column, LabelledFeatures, Ragged, Values
from tfrecords import manifest as manifests
from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.manifest import SPLITS, Manifest, split_name

_INFO_FILE = "dataset_info.json"
_FORMAT = "tfrecord"
_SAMPLE_ROWS = 100


class TfdsDataset:
    """A source of the examples of a TFDS dataset, split by split in the order of its files.

    Its sequences are texts of bases; or whole numbers, one for each base, 0 to 3 for A, C, G and T
    and 4 for N; or packed, in a dataset that `build_dataset` has written. Its labels are numbers,
    one for each task, NaN where missing (of a `ClassLabel` -1).

    Args:
        path: The folder that `tfds.builder_from_directory` reads, or a name in `tfds_dir`.
        tfds_dir: Where TFDS has prepared datasets, if `path` is a name: `NAME`, `NAME/CONFIG` or
            `NAME:VERSION`.
        sequence_column: Feature with the sequence; default: the one named sequence or seq.
        target_columns: Features with the labels; default: see `table_columns.find_columns`.
        resplit: Those of `manifest.SPLITS` that the build makes anew, by fractions or folds, of
            their rows and of those in splits without such a name. Default: none, all rows stay in
            the split that they are in.
        length: Crop and pad all sequences to this; default: all must be as long as the first.
        task_type: `binary` or `regression`; default: binary if all labels are 0 or 1.
        positives: Take all examples of a dataset without labels for positives.

    Raises:
        InputError: There is no such dataset, a split or a feature of it cannot be used, or
            TensorFlow Datasets is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        tfds_dir: str | os.PathLike | None = None,
        sequence_column: str | None = None,
        target_columns: Sequence[str] = (),
        resplit: Sequence[str] = (),
        length: int | None = None,
        task_type: str | None = None,
        positives: bool = False,
    ):
        text_rows.check_options(length, task_type)
        self._prepared = _Prepared(os.fspath(path), tfds_dir)
        folder, values = self._prepared.folder, self._prepared.values
        self._codes = _codes_of_splits(self._prepared.splits, folder, resplit)
        own = _own_manifest(folder)
        split, sample = self._prepared.sample()
        self._columns = table_columns.find_columns(
            list(values),
            tfds_features.cells(sample, values),
            where=folder,
            sequence=sequence_column,
            targets=target_columns,
            may_lack_targets=positives,
        )
        self._read = LabelledFeatures(self._columns, values, own, folder)
        self._is_resizing = length is not None
        self.length = length or self._read.first_length(sample, _places(split, 0))
        self.tasks, self.task_type = self._read.tasks, task_type
        self.features = labelled_sequences(self.length, len(self.tasks))
        self.paths = tuple(self._prepared.rows_of_files)
        self.paths_by_split = {"input": [folder]}
        self.num_rows = sum(self._prepared.rows_of_files.values())
        self.flags = {
            "source": "tfds",
            "files": {"input": [self._prepared.name]},
            "sequence_column": sequence_column,
            "target_columns": list(target_columns),
            "length": length,
            "task_type": task_type,
        }
        if own and own.shift_bp and not length:
            self.flags["shift_bp"] = own.shift_bp  # So the build has to be told the same.
        self.inputs: tuple[dict, ...] = ()
        self.details, self.findings = {}, {}

    @property
    def unsplit(self) -> str:
        is_whole = UNSPLIT not in self._codes.values()
        return "" if is_whole else f"{self._prepared.folder} is to be split anew"

    @property
    def notes(self) -> tuple[str, ...]:
        unread = [name for name in self._columns.unread if name not in self._read.names]
        ignored = f"; not read: {', '.join(unread)}" if unread else ""
        notes = (f"Features read: {', '.join(self._read.names)}{ignored}.",)
        if not self._columns.targets:
            notes += (f"No labels, so all examples are positives: {self._prepared.folder}.",)
        return notes

    def batches(self, size: int) -> Iterator[Batch]:
        """Yields all examples in order, at most `size` at a time."""
        for split, code in self._codes.items():
            start = 0
            for batch in self._prepared.batches(split, self._read.names, size):
                place = _places(split, start)
                columns = {
                    "sequence": self._read.sequences(batch, place, self.length, self._is_resizing),
                    "targets": self._read.targets(batch, place, self.task_type),
                }
                num_rows = len(columns["sequence"])
                yield Batch(columns, np.full(num_rows, code, np.int8))
                start += num_rows
        self.inputs = tuple(
            {"file": os.path.basename(path), "sha256": file_sha256(path), "num_rows": num_rows}
            for path, num_rows in self._prepared.rows_of_files.items()
        )


class _Prepared:
    """A dataset that TFDS has prepared.

    Attributes:
        folder: Where it lies.
        name: With its configuration, if it has one, and its version.
        values: What its features hold, sorted by name: TFDS keeps no order of them.
        splits: Names of those that have examples.
        rows_of_files: How many examples are in each of its files, in the order they are read.
    """

    def __init__(self, path: str, tfds_dir: str | os.PathLike | None):
        folder = path if tfds_dir is not None else _checked_folder(path)
        self._tf, self._tfds = _import_tfds()
        builder = _open_builder(self._tfds, folder, tfds_dir)
        self._builder, info = builder, builder.info
        self.folder, self.name = os.fspath(builder.data_dir), info.full_name
        if (found := info.file_format.value) != _FORMAT:
            raise InputError(
                f"{self.folder}: its files are {found}, expected {_FORMAT}; TFDS converts them: "
                f"tfds convert_format --dataset_dir={self.folder} --out_file_format={_FORMAT}"
            )
        self.values = {name: Values.of(info.features[name]) for name in sorted(info.features)}
        self.splits = tuple(name for name, split in info.splits.items() if split.num_examples)
        if not self.splits:
            raise InputError(f"{self.folder} holds no examples")
        self.rows_of_files = {
            os.fspath(file.filename): file.take
            for split in self.splits
            for file in info.splits[split].file_instructions
        }
        for file in self.rows_of_files:
            check_is_file(pathlib.Path(file))

    def sample(self) -> tuple[str, dict[str, Column]]:
        """Returns a split and its first examples, of the features that may be read."""
        names = [
            name
            for name, feature in self.values.items()
            if feature.is_text or feature.is_bases or feature.is_labels
        ]
        return self.splits[0], next(self.batches(self.splits[0], names, _SAMPLE_ROWS))

    def batches(self, split: str, names: Sequence[str], size: int) -> Iterator[dict[str, Column]]:
        """Yields features of all examples of a split in order, at most `size` examples at a time.

        Raises:
            InputError: A file is damaged, or does not hold what the dataset says of itself.
        """
        # File by file, so that the order is that of `rows_of_files`.
        config = self._tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
        dataset = self._builder.as_dataset(split=split, read_config=config)
        dataset = dataset.map(lambda example: {name: example[name] for name in names})
        try:
            for batch in dataset.ragged_batch(size):
                yield {name: self._to_numpy(tensor) for name, tensor in batch.items()}
        except self._tf.errors.OpError as error:
            what = error.message.splitlines()[0]
            raise InputError(
                f"{self.folder}: TFDS cannot read split {split} ({what}); prepare it again"
            ) from None

    def _to_numpy(self, tensor: Any) -> Column:
        if isinstance(tensor, self._tf.RaggedTensor):
            return Ragged(tensor.values.numpy(), tensor.row_splits.numpy())
        return tensor.numpy()


def _places(split: str, start: int) -> tfds_features.Place:
    """Returns what names the place of a row of a batch, from 0, as TFDS slices: `train[17]`."""
    return lambda row: f"{split}[{start + row}]"


def _codes_of_splits(splits: Sequence[str], folder: str, resplit: Sequence[str]) -> dict[str, int]:
    """Returns for every split a position in `SPLITS`, or `UNSPLIT`."""
    anew = {split_code(name) for name in resplit}
    known = {name: split_name(name) for name in splits}
    unknown = [name for name in splits if known[name] not in SPLITS]
    if unknown and not anew:
        raise InputError(
            f"{folder}: of its splits {', '.join(splits)}, {', '.join(unknown)} is none of train, "
            "valid (also val, dev, validation) and test; --split_fractions=0.8,0.1,0.1, or "
            "--num_folds and --fold, splits the rows anew"
        )
    codes = {name: UNSPLIT if name in unknown else SPLITS.index(known[name]) for name in splits}
    return {name: UNSPLIT if code in anew else code for name, code in codes.items()}


def _own_manifest(folder: str) -> Manifest | None:
    return Manifest.load(folder) if os.path.exists(os.path.join(folder, manifests.FILE)) else None


def _checked_folder(path: str) -> str:
    """Raises an InputError if TFDS cannot have prepared a dataset in a folder; it takes no time."""
    folder = pathlib.Path(path)
    if not folder.is_dir():
        raise InputError(
            f"{path}: there is no such folder; if it is the name of a dataset, --tfds_dir=FOLDER "
            "says where TFDS has prepared it"
        )
    if not (folder / _INFO_FILE).is_file():
        raise InputError(
            f"{path} has no {_INFO_FILE}, so TFDS has prepared no dataset in it; expected the "
            "folder of a version, as NAME/1.0.0"
        )
    return path


def _open_builder(tfds: ModuleType, path: str, tfds_dir: str | os.PathLike | None) -> Any:
    """Returns the builder of a folder, or of a name in `tfds_dir`; nothing is prepared."""
    if tfds_dir is not None:
        try:
            return tfds.core.read_only_builder.builder_from_files(path, data_dir=tfds_dir)
        except ValueError:
            raise InputError(
                f"--tfds_dir={tfds_dir} has no dataset {path!r}; expected NAME, NAME/CONFIG or "
                "NAME:VERSION of one that TFDS has prepared there"
            ) from None
    try:
        return tfds.builder_from_directory(path)
    except (OSError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"{path}: TFDS cannot open it ({what}); prepare it again") from None


def _import_tfds() -> tuple[ModuleType, ModuleType]:
    """Returns TensorFlow and TFDS, which loads what it needs of TensorFlow only when it is used."""
    try:
        import tensorflow
        import tensorflow_datasets
    except ImportError:
        raise InputError(
            "--source=tfds needs the packages tensorflow and tensorflow-datasets; "
            "pip install 'genokeras[tf,tfds]'"
        ) from None
    return tensorflow, tensorflow_datasets
