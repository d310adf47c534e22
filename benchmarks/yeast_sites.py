"""Sites of ten yeast proteins, learnt one by one and all together.

python benchmarks/yeast_sites.py FASTA PEAKS   (an hour on 2 busy cores; results/yeast_sites.json)

PEAKS is a folder of BED files, summits of ChIP-exo (doi:10.1038/s41586-021-03314-8). Windows of
200 bp around the summits, and as many others of the same GC content, from the same chromosomes;
trained on I to XII, chosen by XIII, scored on XIV to XVI. Of each protein there are three models:

- `alone`: a network of this protein, trained on its own dataset. Negatives overlap no window
  around a summit of it, but may hold sites of others.
- `together`: a network of all proteins, the tasks of one dataset. Negatives of a protein are the
  windows around summits of others that hold none of its own, and windows that overlap no peak.
- `six_mers`: a logistic regression on 6-mers, fitted on the same dataset as `alone`.

All are scored on the same windows: those of the test split of the protein's own dataset (`own`),
and those of the dataset of all (`all`), where its sites are to be told from others' besides. Of
both `examples` counts the windows, and how many negatives hold a site of another of the proteins.

Networks are trained once for each seed; scores are means over seeds, `*_by_seed` has each of them.
Intervals are of 1000 resamples of the windows, those that overlap drawn together. The resamples are
the same for all models, so that differences are paired. What is trained and what stands in the
results is not made again, so the same command goes on where it was stopped.
"""

import argparse
import importlib.metadata
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from measure import machine

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome_inputs import GenomeInputs
from data_prep.intervals import Intervals
from data_prep.peaks import Peaks
from data_prep.summit_windows import holds_summit
from genokeras.evaluation.baseline import fit_baseline, kmer_logits
from genokeras.evaluation.bootstrap import interval, resampled_scores
from genokeras.evaluation.predictor import Predictor
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.metrics.classification import auprc, auroc
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords.reader import Batch, Dataset

RESULTS = pathlib.Path(__file__).parent / "results" / "yeast_sites.json"
PROTEINS = ("Reb1", "Abf1", "Rap1", "Mcm1", "Cbf1", "Ume6", "Fkh1", "Tbf1", "Sfp1", "Sua7")
SPLITS = {"valid_chroms": ("XIII",), "test_chroms": ("XIV", "XV", "XVI")}
WINDOW_BP, SHIFT_BP = 200, 8
METRICS = {"auroc": auroc, "auprc": auprc}
DIFFERENCES = (("together", "alone"), ("together", "six_mers"), ("alone", "six_mers"))


def main() -> None:
    """Trains and scores what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fasta", type=pathlib.Path)
    parser.add_argument("peaks", type=pathlib.Path, help="folder of PROTEIN.bed")
    parser.add_argument("--folder", type=pathlib.Path, default="runs/yeast_sites")
    parser.add_argument("--preset", default="base")
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args()
    joint = build(options, PROTEINS)
    together = networks(options, joint)
    logits = predict(together, test_windows(joint))
    for protein in PROTEINS:
        measure(options, protein, joint, together, logits)


def measure(
    options: argparse.Namespace,
    protein: str,
    joint: Dataset,
    together: Sequence[Predictor],
    together_on_all: np.ndarray,
) -> None:
    """Adds the scores of one protein to the results, unless they stand there.

    Args:
        options: Of the command.
        protein: Its name.
        joint: Dataset of all proteins.
        together: Networks of all proteins.
        together_on_all: Their logits of the test windows of `joint`, `[S, N, T]`.
    """
    run = {"protein": protein, "preset": options.preset, "seeds": seeds(options)}
    if RESULTS.exists() and any(run.items() <= r.items() for r in json.loads(RESULTS.read_text())):
        return
    computer = machine()
    own, column = build(options, (protein,)), PROTEINS.index(protein)
    alone, six_mers = networks(options, own), fit_baseline(own)
    scored = {}
    for name, dataset in {"own": own, "all": joint}.items():
        test = test_windows(dataset)
        of_together = together_on_all if name == "all" else predict(together, test)
        logits = {
            "alone": predict(alone, test)[..., 0],
            "together": of_together[..., column],
            "six_mers": kmer_logits(six_mers, SplitWindows(dataset, "test")).T,
        }
        targets = test["targets"][:, column if name == "all" else 0]
        scored[name] = scores(targets, logits, clusters(test["chrom_id"], test["start"]))
    found = run | {
        "examples": {
            "own": describe(options, own, protein),
            "all": describe(options, joint, protein),
        },
        **scored,
        "machine": computer,
        "versions": {name: importlib.metadata.version(name) for name in ("keras", "numpy")},
    }
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    RESULTS.write_text(json.dumps([*results, found], indent=1) + "\n")
    print(json.dumps(found))


def build(options: argparse.Namespace, proteins: tuple[str, ...]) -> Dataset:
    """Builds the dataset of some proteins, unless it is there."""
    paths = [options.peaks / f"{protein}.bed" for protein in proteins]
    source = Peaks(options.fasta, paths, window_bp=WINDOW_BP, shift_bp=SHIFT_BP, chrom_alias="auto")
    data_dir = options.folder / (proteins[0] if len(proteins) == 1 else "together") / "data"
    build_dataset(source, data_dir, "yeast", config=BuildConfig(shift_bp=SHIFT_BP, **SPLITS))
    return Dataset(data_dir)


def seeds(options: argparse.Namespace) -> list[int]:
    """Returns the seeds of the networks."""
    return [int(seed) for seed in options.seeds.split(",")]


def test_windows(dataset: Dataset) -> Batch:
    """Returns all windows of the test split."""
    windows = SplitWindows(dataset, "test")
    return windows.read(np.arange(len(windows)))


def networks(options: argparse.Namespace, dataset: Dataset) -> list[Predictor]:
    """Returns networks trained on a dataset, one for each seed; trains those that are not there."""
    found = []
    for seed in seeds(options):
        workdir = dataset.data_dir.parent / f"{options.preset}_{seed}"
        training = recipe(preset=options.preset, seed=seed)
        train(dataset.data_dir, workdir, preset=options.preset, training=training, log=print)
        found.append(Predictor.load(Run.open(workdir)))
    return found


def predict(predictors: Sequence[Predictor], windows: Batch) -> np.ndarray:
    """Returns the logits `[S, N, T]` of each network."""
    return np.stack([predictor.logits(windows["sequence"]) for predictor in predictors])


def describe(options: argparse.Namespace, dataset: Dataset, protein: str) -> dict[str, Any]:
    """Returns how many windows of each split hold a site of the protein, or of another only."""
    paths = [options.peaks / f"{name}.bed" for name in PROTEINS]
    summits = GenomeInputs(options.fasta, {"peaks": paths}, chrom_alias="auto").intervals["peaks"]
    found = {}
    for split in dataset.manifest.splits:
        fields = dataset.split(split).read(np.arange(dataset.manifest.num_examples(split)))
        start = fields["start"]
        windows = Intervals(fields["chrom_id"], start, start + WINDOW_BP, fields["strand"])
        holds = np.stack([holds_summit(windows, peaks) for peaks in summits], axis=1)
        is_site = holds[:, PROTEINS.index(protein)]
        found[split] = {
            "positives": int(is_site.sum()),
            "negatives": int((~is_site).sum()),
            "negatives_with_sites_of_others": int((~is_site & holds.any(axis=1)).sum()),
        }
    return found


def clusters(chrom_id: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Returns numbers `[N]` from 0 on, the same for windows that are joined by overlaps."""
    order = np.lexsort((start, chrom_id))
    is_new = np.diff(chrom_id[order], prepend=-1) != 0
    is_new |= np.diff(start[order], prepend=0) >= WINDOW_BP
    found = np.empty(len(order), int)
    found[order] = np.cumsum(is_new) - 1
    return found


def scores(
    targets: np.ndarray, logits: Mapping[str, np.ndarray], cluster: np.ndarray
) -> dict[str, Any]:
    """Returns every metric of each model, with its interval, and the differences.

    Args:
        targets: 0 or 1, `[N]`.
        logits: By model, for each seed, `[S, N]`.
        cluster: From 0 on, `[N]`; windows of the same number are drawn together.
    """

    def score(counts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        drawn = counts[:, cluster]
        return {
            (name, metric): np.mean([of(targets, x, drawn) for x in logits[name]], axis=0)
            for name in logits
            for metric, of in METRICS.items()
        }

    size = int(cluster.max()) + 1
    point = {key: values[0] for key, values in score(np.ones((1, size))).items()}
    resampled = resampled_scores(score, size)
    for metric in METRICS:
        for one, other in DIFFERENCES:
            for found in (point, resampled):
                difference = found[one, metric] - found[other, metric]
                found[f"{one}_less_{other}", metric] = difference
    result: dict[str, Any] = {}
    for (name, metric), value in point.items():
        ends = interval(resampled[name, metric])
        result.setdefault(name, {}).update({metric: float(value), f"{metric}_ci": ends})
    for name, of_seeds in logits.items():
        for metric, of in METRICS.items():
            result[name][f"{metric}_by_seed"] = [float(of(targets, x)) for x in of_seeds]
    return result | {"clusters": size}


if __name__ == "__main__":
    main()
