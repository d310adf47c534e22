"""Sites of ten yeast proteins, learnt one by one and all together.

python benchmarks/yeast_sites.py FASTA PEAKS     (hours on 2 cores; results/yeast_sites.json)

PEAKS is a folder of BED files, summits of ChIP-exo (doi:10.1038/s41586-021-03314-8). Windows of
200 bp around the summits; as many negatives of the same GC content, from the same chromosomes;
chromosome XIII to choose by, XIV to XVI to score.

For every protein one network learns its windows and their negatives alone, and one network learns
all proteins: both are scored on the same windows, the test windows of the protein alone, beside
the logistic regression on 6-mers that learnt them too. A protein whose results stand there already
is left out, and so is the network of all.
"""

import argparse
import importlib.metadata
import json
import pathlib
from typing import Any

import numpy as np
from measure import machine

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.peaks import Peaks
from genokeras.evaluation.bootstrap import interval, resampled_scores
from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predictor import Predictor
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.metrics.classification import auroc
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords.reader import Dataset

RESULTS = pathlib.Path(__file__).parent / "results" / "yeast_sites.json"
PROTEINS = ("Reb1", "Abf1", "Rap1", "Mcm1", "Cbf1", "Ume6", "Fkh1", "Tbf1", "Sfp1", "Sua7")
SPLITS = {"valid_chroms": ("XIII",), "test_chroms": ("XIV", "XV", "XVI")}
SHIFT_BP = 8


def main() -> None:
    """Trains and scores what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fasta", type=pathlib.Path)
    parser.add_argument("peaks", type=pathlib.Path, help="folder of PROTEIN.bed")
    parser.add_argument("--folder", type=pathlib.Path, default="runs/yeast_sites")
    parser.add_argument("--preset", default="base")
    options = parser.parse_args()
    together = options.folder / "together" / options.preset
    data_dir = build(options.fasta, options.peaks, PROTEINS, options.folder / "together" / "data")
    train(data_dir, together, preset=options.preset, training=recipe(preset=options.preset))
    for protein in PROTEINS:
        measure(options, protein, together)


def measure(options: argparse.Namespace, protein: str, together: pathlib.Path) -> None:
    """Adds the scores of one protein to the results, unless they stand there."""
    run = {"protein": protein, "preset": options.preset}
    if RESULTS.exists() and any(run.items() <= r.items() for r in json.loads(RESULTS.read_text())):
        return
    computer, folder = machine(), options.folder / protein
    data_dir = build(options.fasta, options.peaks, (protein,), folder / "data")
    workdir = folder / options.preset
    train(data_dir, workdir, preset=options.preset, training=recipe(preset=options.preset))
    alone = evaluate(workdir, "test")
    manifest = Dataset(data_dir).manifest
    found = run | {
        "examples": {split: manifest.num_examples(split) for split in manifest.splits},
        "alone": kept(alone),
        "six_mers": kept(alone["baseline"]),
        "together": score_of_all(together, protein, data_dir),
        "machine": computer,
        "versions": {name: importlib.metadata.version(name) for name in ("keras", "numpy")},
    }
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    RESULTS.write_text(json.dumps([*results, found], indent=1) + "\n")
    print(json.dumps(found))


def build(
    fasta: pathlib.Path, peaks: pathlib.Path, proteins: tuple[str, ...], data_dir: pathlib.Path
) -> pathlib.Path:
    """Builds the dataset of some proteins, unless it is there; returns its folder."""
    paths = [peaks / f"{protein}.bed" for protein in proteins]
    source = Peaks(fasta, paths, window_bp=200, shift_bp=SHIFT_BP, chrom_alias="auto")
    build_dataset(source, data_dir, "yeast", config=BuildConfig(shift_bp=SHIFT_BP, **SPLITS))
    return data_dir


def score_of_all(workdir: pathlib.Path, protein: str, data_dir: pathlib.Path) -> dict[str, Any]:
    """Returns what the network of all proteins scores on the test windows of one."""
    (windows,) = SplitWindows(Dataset(data_dir), "test").parts(size=1 << 30)
    logits = Predictor.load(Run.open(workdir)).logits(windows["sequence"])
    targets, scores = windows["targets"][:, 0], logits[:, PROTEINS.index(protein)]
    resampled = resampled_scores(
        lambda counts: {"auroc": auroc(targets, scores, counts)}, len(targets)
    )
    return {
        "auroc": float(auroc(targets, scores)),
        "auroc_ci": [float(f"{end:.4f}") for end in interval(np.asarray(resampled["auroc"]))],
    }


def kept(scores: dict[str, Any]) -> dict[str, Any]:
    """Returns of all scores those to keep."""
    return {name: scores[name] for name in ("auroc", "auroc_ci", "auprc", "auprc_ci")}


if __name__ == "__main__":
    main()
