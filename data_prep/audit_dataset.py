"""The audit of a dataset that is there, worked out anew from its records."""

import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator

import numpy as np

from data_prep import background
from data_prep.audit_rows import audit_rows
from data_prep.scratch import Column, Scratch
from data_prep.sequence_keys import window_keys
from tfrecords.manifest import LABEL_TYPES, SPLITS, Manifest
from tfrecords.reader import Dataset

_BLOCK_BYTES = 16 << 20
# The fields that the audit reads, of those that a record has.
_FIELDS = ("sequence", "row", "chrom_id", "start", "targets")


def audit_dataset(data_dir: str | os.PathLike, *, progress: Callable | None = None) -> dict:
    """Returns what the splits of a dataset share, as `audit_rows` reports it.

    Nothing that the manifest says is believed but for shared groups, since records do not say which
    group they are of; those that it has are put beside the rest. What a build dropped is not in the
    records, and so not in this report. The sequences and signatures are put into a temporary
    folder, as many bytes as the sequences have and 256 for each.

    Args:
        data_dir: The folder of the dataset, whoever built it.
        progress: Makes a progress bar from a description and a total.

    Raises:
        InputError: There is no dataset, or a shard is missing or damaged.
    """
    dataset = Dataset(data_dir)
    manifest = dataset.manifest
    with tempfile.TemporaryDirectory() as folder:
        scratch = Scratch(pathlib.Path(folder) / "rows", _columns(manifest))
        total = sum(map(manifest.num_examples, manifest.splits))
        bar = progress("Auditing examples", total) if progress else None
        try:
            scratch.write(_batches(dataset, bar))
        finally:
            if bar:
                bar.close()
        codes = [SPLITS.index(name) for name in manifest.splits]
        sizes = [manifest.num_examples(name) for name in manifest.splits]
        report = audit_rows(
            *(scratch, np.repeat(np.array(codes, np.int8), sizes), _labels(scratch, manifest)),
            pathlib.Path(folder) / "alike",
            length=manifest.schema["sequence"].bases,
            shift_bp=manifest.shift_bp,
            on_leak="warn",
            leak_threshold=1,
            near_duplicate_threshold=1,
            matches_gc=manifest.flags.get("negatives") == background.GC_MATCHED,
            progress=progress,
        ).report
    for pair, shared in report["shared"].items():
        known = manifest.audit.get("shared", {}).get(pair, {})
        names = ("shared_groups", "rows_of_shared_groups")
        shared.update({name: known[name] for name in names if name in known})
    return report


def _columns(manifest: Manifest) -> dict[str, tuple[str, tuple[int, ...]]]:
    fields = {
        feature.name: (feature.dtype, feature.shape)
        for feature in manifest.schema.features
        if feature.name in _FIELDS
        and (feature.name != "targets" or manifest.task_type in LABEL_TYPES)
    }
    return fields | {"key": ("uint64", ()), "is_reverse": ("uint8", ())}


def _batches(dataset: Dataset, bar) -> Iterator[dict[str, np.ndarray]]:
    manifest = dataset.manifest
    length = manifest.schema["sequence"].bases
    step = max(1, _BLOCK_BYTES // manifest.schema.stride)
    for name in manifest.splits:
        split = dataset.split(name)
        for start in range(0, split.num_examples, step):
            batch = split.read(np.arange(start, min(split.num_examples, start + step)))
            if "weight" in batch:
                batch["targets"] = np.where(batch["weight"] > 0, batch["targets"], np.nan)
            keys, is_reverse = window_keys(batch["sequence"], length, manifest.shift_bp)
            yield batch | {"key": keys, "is_reverse": is_reverse}
            if bar:
                bar.update(len(keys))


def _labels(scratch: Scratch, manifest: Manifest) -> Column | None:
    is_labelled = manifest.task_type in LABEL_TYPES
    return scratch.read("targets") if is_labelled else None
