"""Bases or k-mers, masked, replaced or mixed: what it hides, what it costs, what is learnt from it.

python benchmarks/kmer_corruptions.py FASTA PEAKS      (an hour; results/kmer_corruptions.json)

A masked language model of windows of 200 bp of the chromosomes I to XII of yeast, trained once for
each row with the same network, masks, batches and number of steps, in a process of its own:

- `leakage`: what a chosen base shows of the original, in nats, measured.
- `hidden`: share of the bases that nothing the network sees tells. k-mers begin at every base, and
  all of those that cover a base to predict are hidden.
- `peak_memory_gb`, `step_ms`: of the process that trains, and of a step of it (median of the run).
- `cross_entropy`: per hidden base, on chromosomes XIV to XVI. Only rows of one corruption are
  asked the same: with `mixed` a tenth of the answers is there to be copied.
- `probe`: mean AUROC of a logistic regression of embeddings on the sites of ten proteins
  (`pretraining.py` says which), on XIV to XVI; `untrained` is the same network at the start.
"""

import argparse
import json
import pathlib
import statistics
from typing import Any

from measure import machine
from pretraining import SIZES, dataset, launch, peaks_flags, windows_flags

from genokeras.evaluation.corruption import measure_corruption
from tfrecords.reader import Dataset

RESULTS = pathlib.Path(__file__).parent / "results" / "kmer_corruptions.json"
KMERS, CORRUPTIONS = (1, 3, 6), ("mask", "random", "mixed")


def main() -> None:
    """Trains and scores what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("fasta", "peaks"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, default="runs/kmer_corruptions")
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    computer = machine()
    corpus = dataset(options.folder / "data" / "yeast", windows_flags(options.fasta))
    sites = peaks_flags(options.fasta, options.peaks)
    sites = dataset(options.folder / "data" / "sites", sites)
    corruption = measure_corruption(Dataset(corpus))
    rows = [
        {
            "kmer": kmer,
            "corruption": name,
            "leakage": corruption.leakage[name],
            "hidden": corruption.hidden[kmer],
            **measure(options, corpus, sites, kmer, name),
        }
        for kmer in KMERS
        for name in CORRUPTIONS
    ]
    found = {"steps": options.steps, "sizes": SIZES, "rows": rows, "machine": computer}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


def measure(
    options: argparse.Namespace,
    corpus: pathlib.Path,
    sites: pathlib.Path,
    kmer: int,
    corruption: str,
) -> dict[str, Any]:
    """Returns what one way costs, and what is learnt by it; trains unless that is done."""
    folder = options.folder / f"{kmer}_{corruption}"
    workdir, output = folder / "run", folder / "probe.json"
    fields = [*SIZES, f"kmer={kmer}", f"corruption={corruption}"]
    flags = ["--model=mlm", "--preset=small", *(f"--set={field}" for field in fields)]
    flags += [f"--steps={options.steps}", f"--eval_every={options.steps}", "--log_every=10"]
    launch("train", *flags, f"--data_dir={corpus}", f"--workdir={workdir}")
    launch("evaluate", f"--workdir={workdir}", "--split=test", "--num_bootstrap=0")
    if not output.exists():
        given = [f"--workdir={workdir}", f"--data_dir={sites}", f"--output={output}"]
        launch("probe", *given, "--fractions=1")
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    rows = [row["train"] for row in rows if "examples_per_second" in row.get("train", {})]
    batch_size = json.loads((workdir / "config.json").read_text())["training"]["batch_size"]
    scores = json.loads((workdir / "evaluation" / "test.json").read_text())
    return {
        "peak_memory_gb": max(row["peak_memory_gb"] for row in rows),
        "step_ms": 1000 * batch_size / statistics.median(x["examples_per_second"] for x in rows),
        "cross_entropy": scores["cross_entropy"],
        "baseline": scores["baseline"]["cross_entropy"],
        "probe": json.loads(output.read_text())["rows"],
    }


if __name__ == "__main__":
    main()
