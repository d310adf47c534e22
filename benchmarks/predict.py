"""Speed and memory of predicting a FASTA file, beside the network alone on arrays in memory.

python benchmarks/predict.py                        (about ten minutes; results/predict.json)
python benchmarks/predict.py --sequences=2000       (a quick look; prints, keeps no file)

`write_predictions` reads and packs 101-bp sequences, scores both strands with the chapter's
`baseline` network and writes a table. Keras's own `model.predict` of the same packed arrays, both
strands, with nothing read or written, is the roof. The two take turns; the ratio is a median over
these pairs with a 95% bootstrap interval. Memory: peak resident bytes of processes of their own, at
a tenth of the sequences, at all of them, and at ten times as many.
"""

import argparse
import importlib.metadata
import pathlib
import platform
import subprocess
import sys
import tempfile

import numpy as np
from measure import machine, median_with_interval, peak_bytes, report, seconds

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable
from data_prep.windows import read_windows
from genokeras.evaluation.predict import BATCH_SIZE, read_size, write_predictions
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords import sequence

LENGTH = 101
FULL_SIZE = 100_000
PRESET = "baseline"
RESULTS = pathlib.Path(__file__).parent / "results" / "predict.json"


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sequences", type=int, default=FULL_SIZE)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peak-of", type=pathlib.Path, help="internal: one process")
    options = parser.parse_args()
    if options.peak_of:
        predict(Run.open(options.peak_of.parent / "run"), options.peak_of)
        print(peak_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options.sequences, options.pairs)
    report(results, RESULTS, keep=options.sequences == FULL_SIZE)


def measure(folder: pathlib.Path, sequences: int, pairs: int) -> dict:
    """Returns all results."""
    computer = machine()
    run, fasta = write_run(folder), write_fasta(folder / "all.fa", sequences)
    packed = np.concatenate([batch["sequence"] for batch in read_windows(fasta, LENGTH)])
    opposite = sequence.reverse_complement(packed, LENGTH)
    model = run.model()

    def alone() -> None:
        for strand in (packed, opposite):
            model.predict(strand, batch_size=BATCH_SIZE, verbose=0)

    rates = {"table": [], "alone": []}
    for _ in range(pairs + 1):
        rates["table"].append(sequences / seconds(lambda: predict(run, fasta)))
        rates["alone"].append(sequences / seconds(alone))
    # The first pair compiles the network.
    table, network = np.array(rates["table"][1:]), np.array(rates["alone"][1:])
    return {
        "machine": computer,
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("numpy", "keras")},
        },
        "sequences": sequences,
        "bases": LENGTH,
        "preset": PRESET,
        "sequences_per_second": median_with_interval(table),
        "network_alone_sequences_per_second": median_with_interval(network),
        "share_of_the_network_alone": median_with_interval(table / network),
        "memory": measure_memory(folder, sequences),
    }


def measure_memory(folder: pathlib.Path, sequences: int) -> dict:
    """Returns the peaks of fresh processes at three sizes, and what a sequence more adds."""
    sizes, peaks = (sequences // 10, sequences, 10 * sequences), []
    for size in sizes:
        fasta = write_fasta(folder / f"{size}.fa", size)
        command = [sys.executable, __file__, f"--peak-of={fasta}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout.split()[-1]))
    return {
        "peak_bytes": dict(zip(map(str, sizes), peaks, strict=True)),
        "bytes_per_further_sequence": round((peaks[2] - peaks[1]) / (sizes[2] - sizes[1]), 2),
    }


def predict(run: Run, fasta: pathlib.Path) -> None:
    """Predicts a FASTA file into a table beside it."""
    windows = read_windows(fasta, LENGTH, size=read_size(run.spec))
    write_predictions(run, windows, fasta.with_suffix(".tsv"))


def write_run(folder: pathlib.Path) -> Run:
    """Trains the network for one step: its speed does not depend on what it has learnt."""
    rows = [f"{'ACGT'[row % 4] * LENGTH},{row % 2}\n" for row in range(64)]
    (folder / "train.csv").write_text("sequence,label\n" + "".join(rows))
    build_dataset(CsvTable({"train": folder / "train.csv"}), folder / "data", "bench")
    training = recipe(preset=PRESET, steps=1)
    train(folder / "data", folder / "run", preset=PRESET, training=training)
    return Run.open(folder / "run")


def write_fasta(path: pathlib.Path, sequences: int) -> pathlib.Path:
    """Writes random sequences."""
    rng = np.random.default_rng(0)
    bases = np.frombuffer(b"ACGT", np.uint8)
    with path.open("wb") as file:
        for start in range(0, sequences, 1 << 14):
            rows = bases[rng.integers(0, 4, (min(1 << 14, sequences - start), LENGTH))]
            file.writelines(
                b">s%d\n%s\n" % (start + number, row.tobytes()) for number, row in enumerate(rows)
            )
    return path


if __name__ == "__main__":
    main()
