"""Reading long windows with coverage, beside baskerville's way; memory of building them.

python benchmarks/long_windows.py     (about ten minutes; results/long_windows.json)
python benchmarks/long_windows.py --pairs=1 --stride_bp=65536 --regions=20   (a quick look; prints,
                                                                              keeps no file)

Reading: windows of 131,072 bp with 1024 bins of 128 bp and 32 tracks, float16, from the example
genome; each track is a draw (Poisson) about the ATAC-seq coverage of the example data, of another
depth. Shuffled batches, half of the windows turned to their opposite strand, as they are handed to
the device, or unpacked to float32 in memory as the others are; against what
`peers/baskerville_records.py` does, shuffled among 128, not turned. Both are found to hold the same
numbers first. All ways take turns; ratios are medians over these pairs with a 95% bootstrap
interval, of the clock and of the seconds that all cores together worked. Building: peak resident
bytes of processes of their own that build a dataset with coverage of so many regions, and of ten
times as many, from bigWig to shards.
"""

import argparse
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from measure import machine, median_with_interval, peak_bytes, report

from data_prep.bigwig import open_bigwig
from data_prep.binned_targets import BinnedTargets
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome import Genome, open_genome
from data_prep.track import Track
from data_prep.tracks import Tracks
from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset, Split
from tfrecords.schema import Feature, Schema
from tfrecords.sequence import packed_width
from tfrecords.writer import ShardWriter, shard_file

LENGTH, BIN_BP, NUM_TRACKS, STRIDE_BP = 131_072, 128, 32, 1024
NUM_BINS = LENGTH // BIN_BP
BATCH_SIZE = 4
FULL_PAIRS = 7
REGIONS, REGION_BP = 10_000, 16_384
HERE = pathlib.Path(__file__).parent
YEAST = HERE.parent / "examples" / "data" / "yeast"
FASTA, COVERAGE = YEAST / "sacCer3_I_II_III.fa.gz", YEAST / "atac_coverage.bw"
RESULTS = HERE / "results" / "long_windows.json"
SCHEMA = Schema(
    (
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (packed_width(LENGTH),), bases=LENGTH),
        Feature("targets", "float16", (NUM_BINS, NUM_TRACKS)),
    )
)


def main() -> None:
    """Runs all measurements, prints them, and keeps those with all pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=FULL_PAIRS)
    parser.add_argument("--stride_bp", type=int, default=STRIDE_BP)
    parser.add_argument("--regions", type=int, default=REGIONS)
    parser.add_argument("--peak-of", type=int, help="internal: one process, so many regions")
    parser.add_argument("--folder", type=pathlib.Path, help="internal")
    options = parser.parse_args()
    if options.peak_of:
        build(options.folder, options.peak_of)
        print(peak_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options)
    asked = options.pairs, options.stride_bp, options.regions
    report(results, RESULTS, keep=asked == (FULL_PAIRS, STRIDE_BP, REGIONS))


def measure(folder: pathlib.Path, options: argparse.Namespace) -> dict:
    """Returns all results."""
    import tensorflow as tf  # Not above: the processes whose memory is measured do without.
    from peers import baskerville_records

    computer = machine()
    genome = open_genome(FASTA, cache_dir=folder)
    windows = write(folder / "ours", genome, options.stride_bp)
    baskerville_records.write(folder / "theirs", windows)
    check_same(folder)
    versions = {"numpy": np.__version__, "tensorflow": tf.__version__}
    return {
        "machine": computer,
        "versions": {"python": platform.python_version(), **versions},
        "bases": LENGTH,
        "bins": NUM_BINS,
        "tracks": NUM_TRACKS,
        "batch_size": BATCH_SIZE,
        "windows": open_split(folder).num_examples,
        "read": measure_reading(folder, options.pairs),
        "memory": measure_memory(folder, options.regions),
    }


def measure_reading(folder: pathlib.Path, pairs: int) -> dict:
    """Times an epoch, each way after the other."""
    count = open_split(folder).num_examples // BATCH_SIZE
    batches = train_batches(folder)
    ways: dict[str, Callable] = {
        "packed_all_checksums": lambda: take(train_batches(folder), count),
        "packed_later_epochs": lambda: take(batches, count),
        "unpacked_later_epochs": lambda: take(map(unpack, batches), count),
    }
    theirs = open_theirs(folder, shuffles=True)
    ways["baskerville"] = lambda: take(iter(theirs), count)
    times = {name: np.empty((2, pairs)) for name in ways}
    for read in ways.values():
        read()  # What it takes to start does not count.
    for pair in range(pairs):
        for name, read in ways.items():
            start = time.perf_counter(), time.process_time()
            read()
            times[name][:, pair] = time.perf_counter() - start[0], time.process_time() - start[1]
    size = count * BATCH_SIZE
    return {
        name: {
            "windows_per_second": median_with_interval(size / found[0]),
            "ratio": median_with_interval(times["baskerville"][0] / found[0]),
            "cpu_ratio": median_with_interval(times["baskerville"][1] / found[1]),
        }
        for name, found in times.items()
    }


def measure_memory(folder: pathlib.Path, few: int) -> dict:
    """Returns the peaks of fresh processes that build datasets of so many regions."""
    peaks = {}
    for regions in (few, 10 * few):
        write_regions(folder, regions)
        command = [sys.executable, __file__, f"--peak-of={regions}", f"--folder={folder}"]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[regions] = int(run.stdout)
        shutil.rmtree(folder / f"built_{regions}")
    return {"window_bp": REGION_BP, "peak_bytes": peaks}


def write_regions(folder: pathlib.Path, count: int) -> None:
    """Writes a BED file of random places that leave room for a window around them."""
    chroms, rng = open_bigwig(COVERAGE).chroms, np.random.default_rng(0)
    total = sum(chrom.length for chrom in chroms)
    with (folder / f"{count}.bed").open("w") as file:
        for chrom in chroms:
            places = chrom.length - REGION_BP
            share = round(count * chrom.length / total)
            for start in (rng.choice(places, share, replace=False) + REGION_BP // 2).tolist():
                file.write(f"{chrom.name}\t{start}\t{start + 1}\n")


def build(folder: pathlib.Path, count: int) -> None:
    """Builds a dataset with coverage of random regions."""
    source = Tracks(
        FASTA,
        bigwigs=[COVERAGE],
        window_bp=REGION_BP,
        bin_bp=32,
        regions=folder / f"{count}.bed",
        chrom_alias="auto",
        cache_dir=folder,
    )
    config = BuildConfig(valid_chroms=("I",), test_chroms=("III",))
    build_dataset(source, folder / f"built_{count}", "bench", config=config, workers=1)


def write(
    folder: pathlib.Path, genome: Genome, stride_bp: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Writes our dataset, and returns the same windows as the others store them."""
    folder.mkdir()
    starts = [np.arange(0, chrom.length - LENGTH + 1, stride_bp) for chrom in genome.chroms]
    chrom_id = np.repeat(np.arange(len(starts)), list(map(len, starts)))
    start = np.concatenate(starts)
    read = BinnedTargets(
        [Track("atac", str(COVERAGE))],
        genome.chroms,
        window_bp=LENGTH,
        bin_bp=BIN_BP,
        chrom_alias="auto",
    ).read
    depths = np.geomspace(0.1, 10, NUM_TRACKS)
    rng = np.random.default_rng(0)
    columns = {
        "row": np.arange(len(start)),
        "sequence": genome.windows(chrom_id, start, LENGTH),
        "targets": rng.poisson(read(chrom_id, start) * depths).astype(np.float16),
    }
    with ShardWriter(folder / shard_file("bench", "train", 0, 1), SCHEMA) as writer:
        writer.write(columns)
    Manifest(
        *("bench", SCHEMA, {"train": (writer.shard,)}, tuple(map(str, range(NUM_TRACKS)))),
        task_type="coverage",
        bin_bp=BIN_BP,
    ).save(folder)
    one_hot = (np.unpackbits(row).reshape(LENGTH, 4) for row in columns["sequence"])
    bases = (np.where(row.any(1), row.argmax(1), 4).astype(np.uint8) for row in one_hot)
    return zip(bases, columns["targets"], strict=True)


def open_split(folder: pathlib.Path) -> Split:
    """Opens what is ours."""
    return Dataset(folder / "ours").split("train")


def train_batches(folder: pathlib.Path) -> Iterator[dict]:
    """Opens ours for training."""
    return open_split(folder).train_batches(0, batch_size=BATCH_SIZE, seed=0)


def open_theirs(folder: pathlib.Path, *, shuffles: bool):
    """Opens what is stored as baskerville does."""
    from peers import baskerville_records

    shape = (NUM_BINS, NUM_TRACKS)
    return baskerville_records.open_records(
        folder / "theirs", BATCH_SIZE, shape, LENGTH, shuffles=shuffles
    )


def unpack(batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Returns one-hot sequences `[B, L, 4]` and targets, float32."""
    one_hot = np.unpackbits(batch["sequence"], axis=1).reshape(-1, LENGTH, 4)
    return one_hot.astype(np.float32), batch["targets"].astype(np.float32)


def take(batches: Iterator, count: int) -> None:
    """Takes so many batches."""
    for _ in range(count):
        next(batches)


def check_same(folder: pathlib.Path) -> None:
    """Raises unless all windows are the same in both, in order."""
    ours = open_split(folder).eval_batches(BATCH_SIZE)
    for batch, (one_hot, targets) in zip(ours, open_theirs(folder, shuffles=False), strict=True):
        count = len(one_hot)
        for mine, other in zip(unpack(batch), (one_hot, targets), strict=True):
            if not np.array_equal(mine[:count], other):
                raise RuntimeError("the two hold different numbers")


if __name__ == "__main__":
    main()
