"""Speed and memory of building a dataset from a table, beside reading that table with pandas.

python benchmarks/build.py                   (about three minutes; results/build.json)
python benchmarks/build.py --rows=20000      (a quick look; prints, keeps no file)

A table of 200-bp sequences and labels goes into a dataset, split by fractions: parsed, checked,
audited for leakage, shuffled, framed and hashed. `pandas.read_csv` of the same file, which does
the parsing alone, is the roof. The two take turns; the ratio is a median over these pairs with a
95% bootstrap interval. Memory: peak resident bytes of processes of their own, at a quarter of the
rows, at all of them, and at four times as many.
"""

import argparse
import importlib.metadata
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from measure import machine, median_with_interval, peak_bytes, report, seconds

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable

LENGTH = 200
FULL_SIZE = 1_000_000
RESULTS = pathlib.Path(__file__).parent / "results" / "build.json"
BASES = np.frombuffer(b"ACGT", np.uint8)


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=FULL_SIZE)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peak-of", type=pathlib.Path, help="internal: one process")
    options = parser.parse_args()
    if options.peak_of:
        build(options.peak_of)
        print(peak_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options.rows, options.pairs)
    report(results, RESULTS, keep=options.rows == FULL_SIZE)


def measure(folder: pathlib.Path, rows: int, pairs: int) -> dict:
    """Returns all results."""
    import pandas as pd  # Not at the top: it would count in the memory of the builds.

    computer = machine()
    table = write_table(folder / "all.csv", rows)
    rates = {"build": [], "pandas": []}
    for _ in range(pairs + 1):
        rates["build"].append(rows / seconds(lambda: build(table)))
        rates["pandas"].append(rows / seconds(lambda: pd.read_csv(table)))
    ours, theirs = np.array(rates["build"][1:]), np.array(rates["pandas"][1:])
    return {
        "machine": computer,
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("numpy", "pandas")},
        },
        "rows": rows,
        "bases": LENGTH,
        "table_bytes": table.stat().st_size,
        "build_rows_per_second": median_with_interval(ours),
        "pandas_rows_per_second": median_with_interval(theirs),
        "build_seconds_per_pandas_second": median_with_interval(theirs / ours),
        "memory": measure_memory(folder, rows),
    }


def measure_memory(folder: pathlib.Path, rows: int) -> dict:
    """Returns the peaks of fresh processes at three sizes, and what a row more adds to it."""
    sizes, peaks = (rows // 4, rows, 4 * rows), []
    for size in sizes:
        table = write_table(folder / f"{size}.csv", size)
        command = [sys.executable, __file__, f"--peak-of={table}"]
        peaks.append(
            int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        )
    return {
        "peak_bytes": dict(zip(map(str, sizes), peaks, strict=True)),
        "bytes_per_further_row": round((peaks[2] - peaks[1]) / (sizes[2] - sizes[1]), 2),
    }


def build(table: pathlib.Path) -> None:
    """Builds a dataset beside the table, anew."""
    data_dir = table.with_suffix("")
    shutil.rmtree(data_dir, ignore_errors=True)
    config = BuildConfig(split_fractions=(0.8, 0.1, 0.1))
    build_dataset(CsvTable(table), data_dir, "bench", config=config)


def write_table(path: pathlib.Path, rows: int) -> pathlib.Path:
    """Writes a table of random sequences and labels."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(b"sequence,label\n")
        for start in range(0, rows, 1 << 15):
            count = min(1 << 15, rows - start)
            lines = np.empty((count, LENGTH + 3), np.uint8)
            lines[:, :LENGTH] = BASES[rng.integers(0, 4, (count, LENGTH))]
            lines[:, LENGTH:] = np.frombuffer(b",0\n", np.uint8)
            lines[:, LENGTH + 1] += rng.integers(0, 2, count, np.uint8)
            file.write(lines.tobytes())
    return path


if __name__ == "__main__":
    main()
