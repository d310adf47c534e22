"""Speed and memory of binned targets, beside a loop over windows with pyBigWig.

python benchmarks/bigwig.py FILE          (about two minutes; results/bigwig.json)
python benchmarks/bigwig.py --pairs=1     (a quick look at the example data; prints, keeps no file)

Windows of 4096 bp in bins of 32 bp over all chromosomes: end to end, each shifted by 1024 bp, and a
tenth of those at random places, as the records of one shard are. The loop asks pyBigWig for the
values of each window and takes the mean over its bins, and both must find the same numbers. The two
take turns; ratios are medians over these pairs with a 95% bootstrap interval. Memory: peak resident
bytes of processes of their own that read a tenth of the windows, and all of them.
"""

import argparse
import importlib.metadata
import pathlib
import platform
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pyBigWig
from measure import machine, median_with_interval, peak_bytes, report, seconds

from data_prep.bigwig import open_bigwig
from data_prep.binned_targets import BinnedTargets
from data_prep.track import Track

WINDOW_BP, BIN_BP, STRIDE_BP = 4096, 32, 1024
BATCH_SIZE = 256
FULL_PAIRS = 9
HERE = pathlib.Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "data" / "yeast" / "atac_coverage.bw"
RESULTS = HERE / "results" / "bigwig.json"


def main() -> None:
    """Runs all measurements, prints them, and keeps those with all pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bigwig", nargs="?", type=pathlib.Path, default=EXAMPLE)
    parser.add_argument("--pairs", type=int, default=FULL_PAIRS)
    parser.add_argument("--peak-of", type=int, help="internal: one process, so many windows")
    options = parser.parse_args()
    if options.peak_of:
        chrom_id, start = tiled(options.bigwig, STRIDE_BP)
        for _ in batches(options.bigwig, chrom_id[: options.peak_of], start[: options.peak_of]):
            pass
        print(peak_bytes())
        return
    results = measure(options.bigwig, options.pairs)
    report(results, RESULTS, keep=options.pairs == FULL_PAIRS)


def measure(path: pathlib.Path, pairs: int) -> dict:
    """Returns all results."""
    computer = machine()
    overlapping = tiled(path, STRIDE_BP)
    rng = np.random.default_rng(0)
    some = np.sort(rng.choice(len(overlapping[0]), len(overlapping[0]) // 10, replace=False))
    windows = {
        "end_to_end": tiled(path, WINDOW_BP),
        "overlapping": overlapping,
        "scattered": tuple(column[some] for column in overlapping),
    }
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "pyBigWig")}
    return {
        "machine": computer,
        "versions": {"python": platform.python_version(), **versions},
        "file": path.name,
        "bases": sum(chrom.length for chrom in open_bigwig(path).chroms),
        "window_bp": WINDOW_BP,
        "bin_bp": BIN_BP,
        "windows": {name: compare(path, *places, pairs) for name, places in windows.items()},
        "memory": measure_memory(path),
    }


def compare(path: pathlib.Path, chrom_id: np.ndarray, start: np.ndarray, pairs: int) -> dict:
    """Times both ways to read some windows."""
    if not np.array_equal(read(path, chrom_id, start), loop(path, chrom_id, start)):
        raise RuntimeError("the two find different values")
    ours, theirs = np.empty((2, pairs))
    for pair in range(pairs):
        ours[pair] = seconds(lambda: read(path, chrom_id, start))
        theirs[pair] = seconds(lambda: loop(path, chrom_id, start))
    return {
        "num_windows": len(start),
        "windows_per_second": median_with_interval(len(start) / ours),
        "loop_windows_per_second": median_with_interval(len(start) / theirs),
        "ratio": median_with_interval(theirs / ours),
    }


def measure_memory(path: pathlib.Path) -> dict:
    """Returns the peaks of fresh processes that read so many windows, a batch at a time."""
    count = len(tiled(path, STRIDE_BP)[0])
    peaks = {}
    for windows in (count // 10, count):
        command = [sys.executable, __file__, str(path), f"--peak-of={windows}"]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[windows] = int(run.stdout)
    return {"peak_bytes": peaks}


def tiled(path: pathlib.Path, stride_bp: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns chromosome and start of all windows that lie so far apart."""
    chroms = open_bigwig(path).chroms
    starts = [np.arange(0, chrom.length - WINDOW_BP + 1, stride_bp) for chrom in chroms]
    return np.repeat(np.arange(len(chroms)), list(map(len, starts))), np.concatenate(starts)


def read(path: pathlib.Path, chrom_id: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Returns the bins of all windows."""
    return np.concatenate(list(batches(path, chrom_id, start)))


def batches(path: pathlib.Path, chrom_id: np.ndarray, start: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the bins of windows, a batch at a time."""
    track = Track("coverage", str(path))
    chroms = open_bigwig(path).chroms
    targets = BinnedTargets([track], chroms, window_bp=WINDOW_BP, bin_bp=BIN_BP)
    for first in range(0, len(start), BATCH_SIZE):
        rows = slice(first, first + BATCH_SIZE)
        yield targets.read(chrom_id[rows], start[rows])[..., 0]


def loop(path: pathlib.Path, chrom_id: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Returns the bins of all windows, one after the other."""
    found = np.empty((len(start), WINDOW_BP // BIN_BP), np.float32)
    with pyBigWig.open(str(path)) as file:
        names = list(file.chroms())
        for row, (chrom, first) in enumerate(zip(chrom_id.tolist(), start.tolist(), strict=True)):
            values = file.values(names[chrom], first, first + WINDOW_BP, numpy=True)
            found[row] = values.reshape(-1, BIN_BP).mean(1)
    return found


if __name__ == "__main__":
    main()
