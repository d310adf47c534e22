"""What is in a dataset, in words: its splits, labels, bases, origin, and some of its examples."""

import os
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from data_prep import background, half_precision
from data_prep.audit_text import describe_audit
from data_prep.window_fields import finding_lines
from tfrecords import sequence
from tfrecords.cache import cache_folder
from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.manifest import GENOME, LABEL_TYPES, SPLITS, Manifest
from tfrecords.origin import PLACE, origin
from tfrecords.reader import Dataset

_MAX_TASKS = 20
_MAX_BASES = 120
_BLOCK_BYTES = 16 << 20


def describe(data_dir: str | os.PathLike, *, examples: int = 0) -> str:
    """Returns a summary of a dataset for people to read, and the first examples of each split.

    Raises:
        InputError: A shard is missing or cut off, or there is no dataset at all.
    """
    if examples < 0:
        raise InputError(f"--examples={examples}, expected a number from 0")
    dataset = Dataset(data_dir)
    for name in _names(dataset.manifest):
        dataset.split(name)  # Finds shards that are not there or not whole.
    lines = [*_overview(dataset.manifest), *_splits(dataset.manifest), *_origin(dataset.manifest)]
    if examples:
        for name in _names(dataset.manifest):
            lines += ["", f"First examples of {name}", *_examples(dataset, name, examples)]
    return "\n".join(lines)


def verify(data_dir: str | os.PathLike, *, progress: Callable | None = None) -> str:
    """Checks every record's checksum and every shard's sha256, and returns a line that says so.

    Raises:
        InputError: Something is damaged or missing; names the shard, and the record if it can.
    """
    dataset = Dataset(data_dir)
    manifest = dataset.manifest
    total = sum(manifest.num_examples(name) for name in manifest.splits)
    num_shards = sum(len(shards) for shards in manifest.splits.values())
    splits = [dataset.split(name) for name in _names(manifest)]
    for file in manifest.genome_files:
        _check_file(dataset.data_dir / GENOME / file.file, file.sha256)
    bar = progress("Verifying examples", total) if progress else None
    try:
        for split in splits:
            step = max(1, _BLOCK_BYTES // manifest.schema.stride)
            for start in range(0, split.num_examples, step):
                rows = np.arange(start, min(split.num_examples, start + step))
                split.read(rows)
                if bar:
                    bar.update(len(rows))
            for shard in manifest.splits[split.name]:
                _check_file(dataset.data_dir / shard.file, shard.sha256)
    finally:
        if bar:
            bar.close()
    return f"All {total} records are as they were written; shards checked: {num_shards}."


def _check_file(path: pathlib.Path, sha256: str) -> None:
    found = file_sha256(path)
    if found != sha256:
        raise InputError(
            f"{path}: its sha256 is {found}, the manifest has {sha256}; "
            "copy the file again or rebuild the dataset"
        )


def _names(manifest: Manifest) -> list[str]:
    return [name for name in SPLITS if name in manifest.splits]


def _overview(manifest: Manifest) -> Iterator[str]:
    total = sum(map(manifest.num_examples, manifest.splits))
    count = len(manifest.tasks)
    tasks = "1 task" if count == 1 else f"{count or 'no'} tasks"
    fields = (
        f"{feature.name} {feature}" + (f" = {feature.bases} bp" if feature.bases else "")
        for feature in manifest.stored_schema.features
    )
    yield f"{manifest.name}: {total} examples, {tasks} ({manifest.task_type})"
    yield f"Record: {', '.join(fields)}; {manifest.stored_schema.stride} bytes"
    if manifest.genome_files:
        yield f"The sequence, {manifest.schema['sequence'].bases} bp, is cut out of the genome here"
    if manifest.shift_bp:
        yield f"Window: {manifest.window_bp} bp, and {manifest.shift_bp} bp to shift it either way"
    if manifest.bin_bp:
        yield from _coverage(manifest)
    if manifest.base_composition:
        shares = (f"{base} {share:.3f}" for base, share in manifest.base_composition.items())
        yield f"Bases in training: {'  '.join(shares)}"
    yield f"Reverse complement: {manifest.reverse_complement}"
    if manifest.compression != "none":
        yield f"Compression: {manifest.compression}; expanded into {cache_folder(manifest)}"
    yield f"Manifest sha256: {manifest.sha256}"


def _coverage(manifest: Manifest) -> Iterator[str]:
    ends = f", none in the {manifest.crop_bp} bp at either end" if manifest.crop_bp else ""
    yield f"Coverage: {manifest.num_bins} bins of {manifest.bin_bp} bp{ends}"
    partners = enumerate(manifest.strand_pairs or ())
    pairs = [(task, partner) for task, partner in partners if task < partner][:_MAX_TASKS]
    if pairs:
        names = (f"{manifest.tasks[task]} / {manifest.tasks[partner]}" for task, partner in pairs)
        yield f"Strands of one assay: {', '.join(names)}"
    if manifest.cut_sites:
        yield f"Cut sites: {', '.join(manifest.tasks[task] for task in manifest.cut_sites)}"


def _splits(manifest: Manifest) -> Iterator[str]:
    yield ""
    yield f"{'split':<7} {'examples':>9} {'shards':>6} {'GC':>6} {'ambiguous bases':>15}"
    described = manifest.statistics.get("splits", {})
    for name in _names(manifest):
        found = described.get(name, {})
        yield (
            f"{name:<7} {manifest.num_examples(name):>9} {len(manifest.splits[name]):>6} "
            f"{found.get('gc_content', float('nan')):>6.3f} {found.get('ambiguous_bases', 0):>15}"
        )
    yield ""
    width = max([4, *(len(task) for task in manifest.tasks[:_MAX_TASKS])])
    for number, task in enumerate(manifest.tasks[:_MAX_TASKS]):
        values = {
            name: described.get(name, {}).get("tasks", {}).get(task, {}) for name in described
        }
        if not number:
            columns = next((list(found) for found in values.values()), [])
            heads = " ".join(f"{column:>10}" for column in columns)
            yield f"{'task':<{width}} {'split':<7} {heads}"
        for name in _names(manifest):
            cells = " ".join(f"{_shown(value):>10}" for value in values.get(name, {}).values())
            yield f"{task:<{width}} {name:<7} {cells}"
    if len(manifest.tasks) > _MAX_TASKS:
        yield f"... and {len(manifest.tasks) - _MAX_TASKS} more tasks"


def _origin(manifest: Manifest) -> Iterator[str]:
    yield ""
    for entry in manifest.inputs:
        yield f"Input {entry['file']}: {entry['num_rows']} rows, sha256 {entry['sha256']}"
    flags = {name: value for name, value in manifest.flags.items() if value not in (None, [])}
    yield f"Flags: {' '.join(f'{name}={_flag(value)}' for name, value in sorted(flags.items()))}"
    for split, made in manifest.statistics.get("negatives", {}).items():
        left_out = f", {made['left_out']} left out" if made["left_out"] else ""
        kind = manifest.flags["negatives"]
        yield f"Negatives made for {split}: {made['made']} ({kind}){left_out}"
    yield from finding_lines(manifest.statistics)
    yield from background.describe(manifest.statistics)
    if lost := manifest.statistics.get("float16"):
        yield half_precision.describe(lost)
    if manifest.audit:
        yield from _audit(manifest.audit)


def _audit(audit: Mapping) -> Iterator[str]:
    yield "Audit (a sequence and its reverse complement count as one):"
    yield from describe_audit(audit)
    yield f"  rows left out for want of a label: {audit['rows_without_label']}"


def _examples(dataset: Dataset, name: str, count: int) -> Iterator[str]:
    split = dataset.split(name)
    batch = split.read(np.arange(min(count, split.num_examples)))
    manifest, length = dataset.manifest, dataset.manifest.window_bp
    bases = manifest.schema["sequence"].bases
    windows = sequence.crop(batch["sequence"], bases, manifest.shift_bp, length)
    # Tracks are too long to be shown.
    tasks = manifest.tasks[:_MAX_TASKS] if manifest.task_type in LABEL_TYPES else ()
    for row, text in enumerate(sequence.decode(windows, length)):
        labels = [
            f"{task}={batch['targets'][row, column]:g}"
            if "weight" not in batch or batch["weight"][row, column]
            else f"{task}=missing"
            for column, task in enumerate(tasks)
        ]
        shown = text if length <= _MAX_BASES else f"{text[:_MAX_BASES]}..."
        where = {name: int(batch[name][row]) for name in PLACE if name in batch}
        place = origin(manifest, int(batch["row"][row]), **where)
        yield "  ".join(["", place, *([" ".join(labels)] if labels else []), shown])


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _flag(value: object) -> str:
    if isinstance(value, Mapping):
        return ";".join(f"{name}:{_flag(entry)}" for name, entry in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
