"""Scores of the variants of a VCF file, into a copy of it or a table."""

import contextlib
import pathlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep import vcf_writer
from data_prep.chrom_names import check_alias
from data_prep.genome import Genome, open_genome
from data_prep.variant_windows import longest_allele, variant_windows
from data_prep.vcf import Variants, VcfFile
from genokeras.evaluation import output_file
from launch import progress
from tfrecords.errors import InputError

if TYPE_CHECKING:
    from genokeras.evaluation.variants import Effects
    from genokeras.training.workdir import Run

_TABLES = (".tsv", ".tsv.gz")
_Write = Callable[[Variants, Mapping[str, np.ndarray]], None]


def check(output: str, fasta: str | None, chrom_alias: str) -> None:
    """Raises `InputError` at what can be seen to be wrong before anything is loaded."""
    endings = (*vcf_writer.SUFFIXES, *_TABLES)
    if not output.lower().endswith(endings):
        raise InputError(f"--output={output}: scores of variants end in {', '.join(endings)}")
    if fasta is None:
        raise InputError("--fasta is missing: give the genome that the variants were called on")
    check_alias(chrom_alias)


def shifts(texts: Sequence[str], length: int) -> list[int]:
    """Returns the shifts that `--variant_shifts` names, in bp."""
    try:
        found = [int(text) for text in texts]
    except ValueError:
        found = []
    if not found or len(set(found)) < len(found) or 2 * max(map(abs, found)) >= length:
        raise InputError(
            f"--variant_shifts={','.join(texts)}: expected whole numbers of bp, each once, less "
            f"than half of the window of {length} bp"
        )
    return found


def write_variant_scores(
    runs: "Sequence[Run]",
    vcf: str,
    fasta: str,
    output: str,
    *,
    chrom_alias: str = "auto",
    label_field: str | None = None,
    variant_shifts: Sequence[str] = ("0",),
    **options: Any,
) -> None:
    """Scores all variants of a file, and prints what came of it.

    Args:
        runs: The run whose model scores them, or several with tasks.
        vcf: The variants.
        fasta: The genome that they are of.
        output: The file to write, a VCF or a table.
        chrom_alias: How names of chromosomes are matched.
        label_field: INFO field with labels, 0 or 1, that scores are held against.
        variant_shifts: Of the windows, in bp.
        **options: `checkpoint`, `batch_size` and `reverse_complement`, as of `Predictor.load`.
    """
    # Here, since they load Keras, whose messages the caller holds back.
    from genokeras.evaluation import variants
    from genokeras.evaluation.predict import read_size

    spec = runs[0].spec
    moved = shifts(variant_shifts, spec.length)
    path = output_file.check(output, source=fasta)
    genome = open_genome(fasta, log=progress.log)
    longest = longest_allele(spec.length, max(map(abs, moved)))
    given = {"chrom_alias": chrom_alias, "label_field": label_field}
    source = VcfFile(vcf, genome, max_allele_bp=longest, **given)
    for note in source.notes:
        progress.log(note)
    effects = variants.load(runs, **options)
    size = read_size(spec, options["batch_size"])
    judged = _Judged(effects.judged if label_field else ())
    num_alleles = 0
    with _opened(path, source, effects, size) as (batches, write):
        for batch in batches:
            columns = _scores(effects, genome, batch, spec.length, moved)
            write(batch, columns)
            judged.add(columns, batch.labels)
            num_alleles += len(batch.record)
    of_runs = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
    print(f"{output}: {num_alleles:,} alleles of {source.num_records:,} records{of_runs}")
    _print_reasons("Left out", source.skipped)
    _print_reasons("Without a score", effects.unscored)
    judged.print(label_field)


def _scores(
    effects: "Effects", genome: Genome, batch: Variants, length: int, moved: Sequence[int]
) -> dict[str, np.ndarray]:
    if not len(batch.record):
        return {name: np.zeros(0) for name in effects.fields}
    windows = [variant_windows(genome, batch.alleles, length, shift_bp) for shift_bp in moved]
    return effects.scores(windows)


@contextlib.contextmanager
def _opened(
    path: pathlib.Path, source: VcfFile, effects: "Effects", size: int
) -> Iterator[tuple[Iterator[Variants], _Write]]:
    """Gives the variants, with a bar of how far they are, and what writes their scores."""
    bar = progress.start("Scoring variants (records)", source.num_records)
    with contextlib.ExitStack() as stack:
        stack.callback(bar.close)
        if path.name.lower().endswith(_TABLES):
            write = stack.enter_context(_table(path))
            info = {}
        else:
            names = vcf_writer.info_fields(effects.fields, source.header)
            info = {names[field]: text for field, text in effects.fields.items()}
            write_vcf = stack.enter_context(vcf_writer.open_vcf(path, source.header, info))

            def write(batch: Variants, columns: Mapping[str, np.ndarray]) -> None:
                write_vcf(batch, {names[field]: column for field, column in columns.items()})

        yield _counted(source.batches(size, info), bar), write


@contextlib.contextmanager
def _table(path: pathlib.Path) -> Iterator[_Write]:
    from genokeras.evaluation import prediction_table

    with output_file.open_text(path) as file:
        is_first = True

        def write(batch: Variants, columns: Mapping[str, np.ndarray]) -> None:
            nonlocal is_first
            labels = {} if batch.labels is None else {"label": batch.labels}
            rows = batch.columns() | labels | columns
            prediction_table.write_rows(file, rows, with_header=is_first)
            is_first = False

        yield write


def _counted(batches: Iterator[Variants], bar: progress.Bar) -> Iterator[Variants]:
    for batch in batches:
        yield batch
        bar.update(len(batch.records))


def _print_reasons(what: str, reasons: Counter[str]) -> None:
    if reasons:
        listed = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        print(f"{what}: {listed}")


class _Judged:
    """Keeps scores and labels of alleles, to hold them against each other at the end."""

    def __init__(self, names: Sequence[str]):
        self._kept: dict[str, list[np.ndarray]] = {name: [] for name in names}
        self._labels: list[np.ndarray] = []

    def add(self, columns: Mapping[str, np.ndarray], labels: np.ndarray | None) -> None:
        for name, parts in self._kept.items():
            parts.append(columns[name].astype(np.float32))
        if labels is not None:
            self._labels.append(labels)

    def print(self, field: str | None) -> None:
        if not self._kept:
            return
        from genokeras.evaluation.variants import label_scores

        columns = {name: np.concatenate(parts) for name, parts in self._kept.items()}
        found = label_scores(columns, np.concatenate(self._labels))
        found = {name: row for name, row in found.items() if row["n"]}
        if not found:
            print(f"No allele has both a label, {field}, and a score.")
            return
        width = max(map(len, found))
        print(f"\n{f'{field} = 1'.ljust(width)}   {'alleles':>9}   auroc    auprc")
        for name, row in found.items():
            numbers = [f"{row[key]:.4f}" for key in ("auroc", "auprc")]
            print(f"{name.ljust(width)}   {row['n']:>9,}   {'   '.join(numbers)}")
