"""Accessibility along the chromosomes of yeast: the track model beside what is had for less.

python benchmarks/yeast_coverage.py FASTA BIGWIG TRANSCRIPTS MOTIFS   (ten minutes on 2 cores)

BIGWIG is the coverage of an ATAC-seq experiment, TRANSCRIPTS a BED file, MOTIFS are matrices in
JASPAR format (doi:10.1093/nar/gkad1059), of which those of yeast are used. Of windows of 4096 bp
the middle 3072 bp are predicted, in bins of 32 bp; trained on chromosomes I to XII, chosen by XIII,
scored on XIV to XVI (results/yeast_coverage.json). Beside the model stand `coverage_baselines`,
fitted on the same chromosomes, what is to choose chosen by XIII as well:

- gc: the share of G and C around a bin, fitted linearly to coverage or to its logarithm.
- motifs: a linear model of how often each known motif, on either strand, matches around a bin.
- kmers: the same of how often each k-mer occurs.
- tss: the mean coverage at the bin's distance from the nearest annotated start of a transcript,
  which the others are not told of.

They stand on the grid of the model's own bins, continued to both ends of each chromosome.

Intervals are of resampled blocks of about 50 kb, the same for all, so that differences are paired.
"""

import argparse
import json
import pathlib
from typing import Any

import numpy as np
from coverage_baselines import (
    BIN_BP,
    Bins,
    Grid,
    best_kmers,
    fit_kmers,
    fit_motifs,
    fit_starts,
    read_jaspar,
)
from measure import machine

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome_inputs import GenomeInputs
from data_prep.tracks import Tracks
from genokeras.evaluation.bootstrap import interval, resampled_scores
from genokeras.evaluation.predictor import Predictor
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.metrics.coverage import ALL, CoverageScores
from genokeras.training import settings
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords.reader import Dataset

RESULTS = pathlib.Path(__file__).parent / "results" / "yeast_coverage.json"
CHROMS = {
    "train": ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"),
    "valid": ("XIII",),
    "test": ("XIV", "XV", "XVI"),
}
# Genes of ribosomal RNA: twice in the sequence, over a hundred times in the cell.
RIBOSOMAL = "XII\t451000\t491000\n"
MOTIFS = (
    *("ABF1", "CBF1", "FKH1", "GCN4", "HSF1", "MCM1"),
    *("RAP1", "REB1", "SFP1", "TBF1", "UME6"),
)
WINDOW_BP, CROP_BP, SHIFT_BP = 4096, 512, 8
WINDOWS_PER_BLOCK = 16
# Training sees one strand at a time either way. With `augment` so does the network when it is
# scored on valid while it trains, which then costs half; `Predictor` takes the mean over both all
# the same.
OVERRIDES = ("rc=augment",)


def main() -> None:
    """Trains and scores, and keeps what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fasta", type=pathlib.Path)
    parser.add_argument("bigwig", type=pathlib.Path)
    parser.add_argument("transcripts", type=pathlib.Path)
    parser.add_argument("motifs", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, default="runs/yeast_coverage")
    parser.add_argument("--preset", default="base")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    computer = machine()
    dataset = build(options)
    training = recipe("track", options.preset, steps=options.steps)
    workdir = options.folder / options.preset
    trained = train(
        dataset.data_dir, workdir, model="track", preset=options.preset, overrides=OVERRIDES,
        training=training, log=print,
    )  # fmt: skip
    results = {
        "preset": options.preset,
        "overrides": OVERRIDES,
        "steps": options.steps,
        "batch_size": training.batch_size,
        "train_seconds": round(trained.seconds),
        "windows": {s: dataset.manifest.num_examples(s) for s in dataset.manifest.splits},
        **measure(dataset, Run.open(workdir), options),
        "machine": computer,
        "versions": settings.require(workdir)["environment"]["versions"],
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results["scores"], indent=1))


def build(options: argparse.Namespace) -> Dataset:
    """Builds the dataset, unless it is there."""
    options.folder.mkdir(parents=True, exist_ok=True)
    blacklist = options.folder / "ribosomal.bed"
    blacklist.write_text(RIBOSOMAL)
    source = Tracks(
        options.fasta,
        bigwigs=[options.bigwig],
        window_bp=WINDOW_BP,
        bin_bp=BIN_BP,
        crop_bp=CROP_BP,
        stride_bp=WINDOW_BP - 2 * CROP_BP,
        shift_bp=SHIFT_BP,
        blacklist=blacklist,
        chrom_alias="auto",
    )
    chroms = {f"{split}_chroms": names for split, names in CHROMS.items()}
    data_dir = options.folder / "data"
    build_dataset(source, data_dir, "yeast", config=BuildConfig(shift_bp=SHIFT_BP, **chroms))
    return Dataset(data_dir)


def measure(dataset: Dataset, run: Run, options: argparse.Namespace) -> dict[str, Any]:
    """Returns what was chosen for the baselines, and the scores of all on the test split."""
    inputs = GenomeInputs(options.fasta, {"transcripts": [options.transcripts]}, chrom_alias="auto")
    # The first window begins behind the bases that are stored for shifting it.
    grid = Grid(inputs.genome, begin_bp=SHIFT_BP + CROP_BP)
    train_bins, valid_bins, test_bins = (read_bins(dataset, grid, split) for split in CHROMS)
    known = train_bins, valid_bins
    tracks = {
        "gc": fit_kmers(grid, *known, ks=(1,)),
        "motifs": fit_motifs(grid, *known, read_jaspar(options.motifs, MOTIFS)),
        "kmers": best_kmers(grid, *known),
        "tss": fit_starts(grid, train_bins, inputs.all("transcripts")),
    }
    predicted = {"model": predict(run, dataset)}
    predicted |= {name: track.values[test_bins.places] for name, track in tracks.items()}
    order = np.argsort(test_bins.places[:, 0])
    blocks = {name: in_blocks(values[order]) for name, values in predicted.items()}
    chosen = {name: track.chosen for name, track in tracks.items()}
    return {"chosen": chosen, "scores": scores(in_blocks(test_bins.coverage[order]), blocks)}


def read_bins(dataset: Dataset, grid: Grid, split: str) -> Bins:
    """Returns the bins of all windows of a split, in stored order."""
    fields = dataset.split(split).read(np.arange(dataset.manifest.num_examples(split)))
    targets = fields["targets"][..., 0].astype(np.float64)
    first = grid.place(fields["chrom_id"], fields["start"] + CROP_BP)
    return Bins(first[:, None] + np.arange(targets.shape[1]), targets)


def predict(run: Run, dataset: Dataset) -> np.ndarray:
    """Returns the coverage `[N, bins]` that the model predicts for the test windows."""
    predictor = Predictor.load(run, batch_size=64)
    windows = SplitWindows(dataset, "test").parts(64)
    return np.concatenate([predictor.logits(part["sequence"])[..., 0] for part in windows])


def in_blocks(values: np.ndarray) -> np.ndarray:
    """Returns `[blocks, bins]` of `[N, bins]`: some windows side by side, NaN behind the last."""
    missing = np.full((-len(values) % WINDOWS_PER_BLOCK, values.shape[1]), np.nan)
    return np.concatenate([values, missing]).reshape(-1, WINDOWS_PER_BLOCK * values.shape[1])


def scores(true: np.ndarray, predicted: dict[str, np.ndarray]) -> dict[str, Any]:
    """Returns of each track its correlation with what is true, and the model's lead over it.

    Args:
        true: `[blocks, bins]`.
        predicted: The same by name, that of the model first.
    """
    found = {}
    for name, values in predicted.items():
        split = CoverageScores((name,))
        coverage = np.nan_to_num(values)[..., None]
        # Linear models go below 0, where totals have no logarithm; that score is not used here.
        with np.errstate(invalid="ignore"):
            split.add({"coverage": coverage}, true[..., None], np.ones((len(true), 1)))
        found[name] = split.result(), resampled_scores(split.resampled, split.num_groups)
    (model, of_model), *_ = found.values()
    return {
        name: {
            "pearson_r": score["pearson_r"],
            "pearson_r_ci": interval(resampled[ALL, "pearson_r"]),
            "spearman_r": score["spearman_r"],
            "spearman_r_ci": interval(resampled[ALL, "spearman_r"]),
            "behind": model["pearson_r"] - score["pearson_r"],
            "behind_ci": interval(of_model[ALL, "pearson_r"] - resampled[ALL, "pearson_r"]),
        }
        for name, (score, resampled) in found.items()
    }


if __name__ == "__main__":
    main()
