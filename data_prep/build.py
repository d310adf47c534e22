"""Builds a dataset from a source: the one call behind `launch.build_dataset`.

Two passes. The first streams the source into columns on disk; then the splits, the audit for
leakage and the final order are worked out; the second writes the shards on a pool of processes.
Memory does not grow with the data but for some ten bytes a row. The same input, flags and seed give
the same bytes, on any number of processes and after any number of restarts.
"""

import contextlib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_prep import background, interval_store, negatives, splits, statistics
from data_prep.audit import AuditResult
from data_prep.audit_rows import audit_rows
from data_prep.build_checks import check_build, check_first
from data_prep.build_config import BuildConfig
from data_prep.chrom_splits import names_of, split_of_chroms
from data_prep.destination import Destination
from data_prep.differences import another_dataset, describe_differences
from data_prep.ingest import Ingested, find_task_type, ingest
from data_prep.plan import make_plan
from data_prep.remote_destination import open_destination
from data_prep.resume import write_plan
from data_prep.row_names import row_names
from data_prep.shards import ShardRunner, write_shards
from data_prep.source import Source, record_schema
from data_prep.split_groups import split_groups
from tfrecords import input_paths, tfds_metadata
from tfrecords.manifest import CUT, Manifest
from tfrecords.sequence import crop

Log = Callable[[str], None]


def build_dataset(
    source: Source,
    data_dir: str | os.PathLike,
    name: str,
    *,
    config: BuildConfig | None = None,
    workers: int | None = None,
    runner: ShardRunner | None = None,
    overwrite: bool = False,
    progress: Callable | None = None,
    log: Log | None = None,
) -> Manifest:
    """Builds a dataset, or finds that it is built already.

    Killed and started again, it goes on where it was. A dataset in `data_dir` is only ever replaced
    as a whole, when the new one is complete.

    Args:
        source: Where the examples come from, such as `CsvTable("all.csv")`.
        data_dir: The folder of the dataset; new, empty, or (with `overwrite`) a dataset.
        name: Name of the dataset: small letters, digits and _, a letter first.
        config: Splits, audit, strands and shards.
        workers: Processes that write shards; default: one for each processor, if there is enough
            to write.
        runner: Writes the shards instead of these, such as a `beam_runner.BeamRunner`.
        overwrite: Replace the dataset that is there.
        progress: Makes a progress bar from a description and a total.
        log: Takes lines for the user: what was read and found.

    Returns:
        The manifest of the dataset.

    Raises:
        InputError: Something about the input, the flags or the folder is wrong.
    """
    build = _Build(
        source,
        open_destination(data_dir),
        name,
        config or BuildConfig(),
        runner or functools.partial(write_shards, workers=workers),
        progress,
        log or (lambda line: None),
    )
    check_first(name, data_dir, build.config, workers=workers, overwrite=overwrite)
    check_build(source, build.config)
    existing = build.existing(overwrite)
    return build.run() if existing is None else existing


@dataclass(frozen=True)
class _Build:
    """One build under way."""

    source: Source
    destination: Destination
    name: str
    config: BuildConfig
    runner: ShardRunner
    progress: Callable | None
    log: Log

    @property
    def flags(self) -> dict:
        """All that decides what the dataset will be, beside the input files."""
        return self.source.flags | self.config.flags

    @property
    def window_bp(self) -> int:
        """Bases of a sequence that a model reads."""
        return self.source.length - 2 * self.config.shift_bp

    def existing(self, overwrite: bool) -> Manifest | None:
        """Returns the dataset if it is built already; None if it is to be built.

        Raises:
            InputError: Another dataset is in its place, or something else.
        """
        found, shown = self.destination.load(), self.destination.shown
        if found is None:
            return None
        differences = describe_differences(
            found, name=self.name, flags=self.flags, paths=self.source.paths
        )
        if not differences and self.destination.is_intact(found):
            self.destination.clear_up()
            # A dataset that is shared may be read-only; then it keeps the paths that it has.
            with contextlib.suppress(PermissionError):
                input_paths.save(self.destination.data_dir, self.source.paths_by_split)
            self.log(f"{shown} is built already, from the same input with the same flags.")
            return found
        if not overwrite:
            raise another_dataset(shown, differences or "its files are missing or cut off")
        self.destination.check_replaceable(found)
        return None

    def run(self) -> Manifest:
        """Builds the dataset and puts it in its place."""
        for line in self.source.notes:
            self.log(line)
        with self.destination.open():
            ingested = self._ingest()
            task_type = find_task_type(self.source, ingested, self.log)
            split = self._split(ingested, task_type)
            num_given = len(split)
            split, made = self._add_negatives(ingested, split)
            audited = self._audit(ingested, split, task_type, num_given)
            manifest = self._write(ingested, audited, task_type, made)
            if manifest.compression == "none":
                tfds_metadata.write(self.destination.new, manifest)
            input_paths.save(self.destination.new, self.source.paths_by_split)
            manifest.save(self.destination.new)
            self.destination.publish()
        return manifest

    def _ingest(self) -> Ingested:
        split_of_chrom = None
        if self.config.by_chrom:
            split_of_chrom = split_of_chroms(self.source.details["chroms"], self.config)
        folder = self.destination.building / "rows"
        ingested = ingest(
            *(self.source, folder, self.progress, self.config.shift_bp, split_of_chrom),
            store=self.config.store,
        )
        if count := ingested.num_without_split:
            rows = "row that lies" if count == 1 else "rows that lie"
            self.log(f"Left out {count} {rows} on a chromosome of no split.")
        return ingested

    def _split(self, ingested: Ingested, task_type: str) -> np.ndarray:
        """Returns the split of every row, made where the source does not give one."""
        split = ingested.scratch.read("split")[:]
        if self.config.by_chrom:
            is_there = np.array([bool(chroms) for chroms in self.config.chroms_of_splits])
            ingested.is_given |= is_there
            chroms, chrom_id = self.source.details["chroms"], ingested.scratch.read("chrom_id")
            reason = f"no row lies on its chromosomes, but on {names_of(chrom_id[:], chroms)}"
            splits.check_not_empty(split, ingested.is_given, reason)
            return split
        found, ingested.is_given = splits.split_rows(
            split,
            ingested.is_given,
            split_groups(
                *(ingested, self.config, self.destination.building / "clusters"),
                length=self.source.length,
            ),
            ingested.labels(task_type),
            task_type,
            self.config,
        )
        return found

    def _add_negatives(self, ingested: Ingested, split: np.ndarray) -> tuple[np.ndarray, dict]:
        """Returns the split of every row, those of new negatives behind, and what was made."""
        if self.config.negatives is None:
            return split, {}
        added = negatives.add_negatives(ingested, self.source, split, self.config)
        for line in added.lines:
            self.log(line)
        return added.split, {"negatives": added.report}

    def _audit(
        self, ingested: Ingested, split: np.ndarray, task_type: str, num_given: int
    ) -> AuditResult:
        """Looks for what the splits share in all rows, of which the first `num_given` are given."""
        config = self.config
        result = audit_rows(
            *(ingested.scratch, split, ingested.labels(task_type)),
            self.destination.building / "alike",
            length=self.source.length,
            shift_bp=config.shift_bp,
            has_groups=ingested.has_groups,
            on_leak=config.on_leak,
            leak_threshold=config.leak_threshold,
            near_duplicate_threshold=config.near_duplicate_threshold,
            num_given=num_given,
            matches_gc=self.source.flags.get("negatives") == background.GC_MATCHED,
            name_row=row_names(self.source, ingested.scratch, self.window_bp),
            progress=self.progress,
        )
        for line in result.lines:
            self.log(line)
        splits.check_not_empty(
            result.split, ingested.is_given, "all its sequences are in another split"
        )
        return result

    def _write(
        self, ingested: Ingested, audited: AuditResult, task_type: str, made: dict
    ) -> Manifest:
        """Writes the shards, and returns the manifest; `made` is for its statistics."""
        scratch, config, tasks = ingested.scratch, self.config, self.source.tasks
        details = self.source.details
        schema = record_schema(self.source.features, bool(ingested.num_missing))
        stored = schema.without(*CUT) if config.store == "intervals" else schema
        targets = scratch.read("targets") if "targets" in scratch.columns else None
        found = statistics.gather(scratch.read("sequence"), targets, audited.split, self._window)
        described = {
            name: sums.to_json(tasks, task_type, details.get("target_scale", ()))
            for name, sums in found.items()
        }
        suggests = config.negatives is None
        for line in statistics.label_warnings(described, task_type, suggest_negatives=suggests):
            self.log(line)
        if config.store == "intervals" and config.reverse_complement == "store":
            interval_store.check_strands(scratch)
        plan = make_plan(
            self.destination.building / "order",
            name=self.name,
            schema=stored,
            scratch=scratch,
            split=audited.split,
            seed=config.seed,
            stores_both_strands=config.reverse_complement == "store",
            num_shards=config.num_shards,
            compression=config.compression,
            strand_pairs=details.get("strand_pairs"),
            cut_sites=details.get("cut_sites", ()),
            # The key stands for the window: it is a hash of it, and read faster.
            identity=("sequence",)
            if "sequence" in stored and config.shift_bp
            else ("key", "is_reverse"),
        )
        shards = write_plan(
            *(plan, stored, scratch, self.destination),
            runner=self.runner,
            progress=self.progress,
        )
        genome_files = ()
        if config.store == "intervals":
            genome_files = interval_store.copy_genome(
                self.source.genome, self.destination.new, schema
            )
        return Manifest(
            name=self.name,
            schema=schema,
            splits=shards,
            tasks=tuple(tasks),
            task_type=task_type,
            inputs=self.source.inputs,
            flags=self.flags,
            reverse_complement=config.reverse_complement,
            compression=config.compression,
            base_composition=next(iter(found.values())).base_composition,
            statistics={
                "length": self.source.length,
                "splits": described,
                **self.source.findings,
                **made,
            },
            audit=audited.report | {"rows_without_label": ingested.num_unlabelled},
            shift_bp=config.shift_bp,
            genome_files=genome_files,
            **details,
        )

    def _window(self, packed: np.ndarray) -> np.ndarray:
        """Returns, of packed sequences, the part that a model reads."""
        return crop(packed, self.source.length, self.config.shift_bp, self.window_bp)
