"""Coverage along a whole genome, predicted into bigWig files."""

import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_prep.bigwig_writer import num_tiles, paths_of, tiles, write_bigwigs
from data_prep.genome import Genome, open_genome
from genokeras.evaluation import output_file
from launch import progress
from tfrecords.errors import InputError

if TYPE_CHECKING:
    from genokeras.evaluation.ensemble import Ensemble
    from genokeras.training.workdir import Run


def check_output(run: "Run", output: str | os.PathLike, is_bigwig: bool) -> None:
    """Raises `InputError` unless a bigWig is asked for of coverage, and of nothing else."""
    task_type = run.spec.task_type
    if task_type == "coverage" and not is_bigwig:
        raise InputError(
            f"--output={output}: {run.workdir} predicts coverage, which goes into a bigWig; give "
            "--output=NAME.bw, and a genome as --input=FASTA"
        )
    if task_type != "coverage" and is_bigwig:
        raise InputError(
            f"--output={output}: a bigWig holds coverage, but {run.workdir} predicts one number "
            f"per window ({task_type}); give --output=NAME.tsv"
        )


def write_genome_coverage(
    runs: Sequence["Run"],
    fasta: str | os.PathLike,
    output: str | os.PathLike,
    *,
    checkpoint: str,
    reverse_complement: bool | None,
    batch_size: int,
    strategy: str,
) -> list[pathlib.Path]:
    """Predicts all bases of a genome, each once, into a bigWig file for every task.

    Args:
        runs: The run whose model predicts, or several, whose mean is taken.
        fasta: The genome.
        output: Name of the file; of several tasks their names are put into it.
        checkpoint: `best`, `last` or a step.
        reverse_complement: As `Predictor` takes it.
        batch_size: Windows computed at a time; long ones fewer.
        strategy: As `Predictor.load` takes it.

    Returns:
        The files.
    """
    # Here, since it loads Keras, whose messages the caller holds back.
    from genokeras.evaluation.coverage_scores import windows_at_a_time
    from genokeras.evaluation.ensemble import Ensemble

    spec = runs[0].spec
    paths = [output_file.check(path, source=fasta) for path in paths_of(output, spec.tasks)]
    genome = open_genome(fasta, log=progress.log)
    size = windows_at_a_time(spec, batch_size)
    options = {"reverse_complement": reverse_complement, "batch_size": size}
    ensemble = Ensemble.load(runs, checkpoint, strategy=strategy, **options)
    write_bigwigs(paths, genome.chroms, spec.bin_bp, _predictions(ensemble, genome, size))
    return paths


def _predictions(
    ensemble: "Ensemble", genome: Genome, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yields chromosomes, first bases and coverage of windows in the order of the genome."""
    spec = ensemble.spec
    sizes = spec.length, spec.crop_bp
    bar = progress.start("Predicting windows", num_tiles(genome, *sizes))
    try:
        for part in tiles(genome, *sizes, size):
            yield part.chrom_id, part.start, ensemble.logits(part.sequence)
            bar.update(len(part.start))
    finally:
        bar.close()
