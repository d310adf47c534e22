"""Speed and memory of a build of windows of a genome, beside a loop over windows with pyfaidx.

python benchmarks/genome_windows.py GENOME.fa.gz   (about four minutes; results/genome_windows.json)
python benchmarks/genome_windows.py --pairs=1      (a quick look at the example data; keeps no file)

Windows of 200 bp every 50 bp over all chromosomes, two of which are valid and test. Three things:
cutting them out of the packed genome; cutting them and writing both strands as records; and a whole
build, which also audits, shuffles and hashes, and stores both strands of the windows for training.
The loop goes through some windows, spread over the genome, on either strand: it fetches each, makes
it one-hot, and writes a `tf.train.Example`, once with the array as bytes, which is the least that
can be done, and once as a list of floats. All are on one core and take turns; times are those of
the processor, as other programs run beside them. Ratios are medians over these rounds with a 95%
bootstrap interval. Memory: peak resident bytes of processes of their own that build from these
windows, and from ten times as many, one every 5 bp.
"""

import argparse
import gzip
import importlib.metadata
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from measure import machine, median_with_interval, peak_bytes, report

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome import Genome, open_genome
from data_prep.genome_windows import GenomeWindows
from tfrecords import strands
from tfrecords.schema import Schema
from tfrecords.writer import ShardWriter

WINDOW_BP, STRIDE_BP = 200, 50
BATCH_SIZE = 1 << 15
LOOP_WINDOWS = 4000
FULL_PAIRS = 7
HERE = pathlib.Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "data" / "yeast" / "sacCer3_I_II_III.fa.gz"
RESULTS = HERE / "results" / "genome_windows.json"


def main() -> None:
    """Runs all measurements, prints them, and keeps those with all pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fasta", nargs="?", type=pathlib.Path, default=EXAMPLE)
    parser.add_argument("--pairs", type=int, default=FULL_PAIRS)
    parser.add_argument("--peak-in", type=pathlib.Path, help="internal: one process, its folder")
    parser.add_argument("--stride", type=int, help="internal: from one window to the next")
    options = parser.parse_args()
    if options.peak_in:
        build(options.fasta, options.peak_in, options.stride)
        print(peak_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(options.fasta, pathlib.Path(folder), options.pairs)
    report(results, RESULTS, keep=options.pairs == FULL_PAIRS)


def measure(fasta: pathlib.Path, folder: pathlib.Path, pairs: int) -> dict:
    """Returns all results."""
    computer = machine()
    genome = open_genome(fasta, cache_dir=folder / "cache")
    plain = folder / "genome.fa"
    with gzip.open(fasta) as file:
        plain.write_bytes(file.read())
    chrom_id, start = places(genome)
    examples = build(fasta, folder)
    chosen = np.linspace(0, len(start) - 1, LOOP_WINDOWS).astype(int)
    some = chrom_id[chosen], start[chosen]
    rounds = [
        {
            "cut": cpu_seconds(lambda: cut(genome, chrom_id, start)) / len(start),
            "write": cpu_seconds(lambda: write(fasta, folder)) / (2 * len(start)),
            "build": cpu_seconds(lambda: build(fasta, folder)) / examples,
            "loop_bytes": cpu_seconds(lambda: loop(plain, genome, *some, folder, bytes_of))
            / (2 * LOOP_WINDOWS),
            "loop_floats": cpu_seconds(lambda: loop(plain, genome, *some, folder, floats_of))
            / (2 * LOOP_WINDOWS),
        }
        for _ in range(pairs + 1)
    ]
    times = {name: np.array([taken[name] for taken in rounds[1:]]) for name in rounds[0]}
    packages = ("numpy", "pyfaidx", "tensorflow_cpu")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "machine": computer,
        "versions": {"python": platform.python_version(), **versions},
        "file": fasta.name,
        "bases": genome.num_bases,
        "window_bp": WINDOW_BP,
        "stride_bp": STRIDE_BP,
        "windows": len(start),
        "examples": examples,
        "cut_mbp_per_second": median_with_interval(WINDOW_BP / 1e6 / times["cut"]),
        "examples_per_second": {
            name: median_with_interval(1 / taken) for name, taken in times.items() if name != "cut"
        },
        "ratio": {
            f"{name}_to_{other}": median_with_interval(times[other] / times[name])
            for name in ("write", "build")
            for other in ("loop_bytes", "loop_floats")
        },
        "memory": measure_memory(fasta, folder),
    }


def cpu_seconds(call: Callable) -> float:
    """Returns how much time of the processor a call takes."""
    start = time.process_time()
    call()
    return time.process_time() - start


def measure_memory(fasta: pathlib.Path, folder: pathlib.Path) -> dict:
    """Returns the peaks of fresh processes that build from so many windows, by their stride."""
    peaks = {}
    for stride in (STRIDE_BP, STRIDE_BP // 10):
        command = [
            sys.executable,
            __file__,
            str(fasta),
            f"--peak-in={folder}",
            f"--stride={stride}",
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[stride] = int(done.stdout)
    return {"peak_bytes_by_stride": peaks}


def open_source(fasta: pathlib.Path, folder: pathlib.Path, stride: int) -> GenomeWindows:
    """Returns the windows."""
    return GenomeWindows(fasta, window_bp=WINDOW_BP, stride_bp=stride, cache_dir=folder / "cache")


def build(fasta: pathlib.Path, folder: pathlib.Path, stride: int = STRIDE_BP) -> int:
    """Builds the dataset, anew, and returns its number of examples."""
    data_dir = folder / "data"
    shutil.rmtree(data_dir, ignore_errors=True)
    source = open_source(fasta, folder, stride)
    first, second = (chrom.name for chrom in source.details["chroms"][:2])
    config = BuildConfig(
        valid_chroms=(first,),
        test_chroms=(second,),
        reverse_complement="store",
        leak_threshold=1.0,
    )
    manifest = build_dataset(source, data_dir, "bench", config=config, workers=1)
    return sum(manifest.num_examples(split) for split in manifest.splits)


def write(fasta: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes all windows, on both strands, as records."""
    source = open_source(fasta, folder, STRIDE_BP)
    schema = Schema(source.features)
    with ShardWriter(folder / "write.tfrecord", schema) as writer:
        for batch in source.batches(BATCH_SIZE):
            writer.write(batch.columns)
            strands.turn(batch.columns, np.arange(len(batch.split)), schema, None)
            writer.write(batch.columns)


def cut(genome: Genome, chrom_id: np.ndarray, start: np.ndarray) -> None:
    """Cuts all windows out of the packed genome, a batch at a time."""
    for first in range(0, len(start), BATCH_SIZE):
        rows = slice(first, first + BATCH_SIZE)
        genome.windows(chrom_id[rows], start[rows], WINDOW_BP)


def loop(
    fasta: pathlib.Path,
    genome: Genome,
    chrom_id: np.ndarray,
    start: np.ndarray,
    folder: pathlib.Path,
    feature: Callable,
) -> None:
    """Writes both strands of some windows, one after the other."""
    import pyfaidx  # Not at the top, as TensorFlow: they would count in the memory of the builds.
    import tensorflow as tf

    one_hot = np.zeros((256, 4), np.uint8)
    one_hot[[*map(ord, "ACGT")]] = np.eye(4, dtype=np.uint8)
    file = pyfaidx.Fasta(str(fasta), sequence_always_upper=True)
    with file, tf.io.TFRecordWriter(str(folder / "loop.tfrecord")) as writer:
        for chrom, first in zip(chrom_id.tolist(), start.tolist(), strict=True):
            name = genome.chroms[chrom].name
            for is_minus in (False, True):
                window = file.get_seq(name, first + 1, first + WINDOW_BP, rc=is_minus).seq
                place = tf.train.Int64List(value=[chrom, first, int(is_minus)])
                fields = {
                    "sequence": feature(one_hot[np.frombuffer(window.encode(), np.uint8)]),
                    "place": tf.train.Feature(int64_list=place),
                }
                features = tf.train.Features(feature=fields)
                writer.write(tf.train.Example(features=features).SerializeToString())


def bytes_of(values: np.ndarray):
    """Returns an array as a feature of bytes."""
    import tensorflow as tf

    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values.tobytes()]))


def floats_of(values: np.ndarray):
    """Returns an array as a feature of floats."""
    import tensorflow as tf

    return tf.train.Feature(float_list=tf.train.FloatList(value=values.ravel()))


def places(genome: Genome) -> tuple[np.ndarray, np.ndarray]:
    """Returns chromosome and start of all windows."""
    starts = [np.arange(0, chrom.length - WINDOW_BP + 1, STRIDE_BP) for chrom in genome.chroms]
    return np.repeat(np.arange(len(starts)), list(map(len, starts))), np.concatenate(starts)


if __name__ == "__main__":
    main()
