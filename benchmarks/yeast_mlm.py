"""A masked language model of the yeast genome beside models of short contexts.

python benchmarks/yeast_mlm.py FASTA      (results/yeast_mlm.json)

Windows of 256 bp of the chromosomes I to XII to learn from, XIII to choose by, XIV to XVI to score,
all asked for the same hidden bases of the same windows:

- `mlm`: a network, trained once for each seed.
- `contexts`: counts of the bases on either side of a base, as far as these are shown.
- `contexts_shown`: the same, shown every base but the one it is asked for. It knows more.
- `markov`: counts of the bases before a base, all of them shown. What it is asked is another
  question, what comes next: its cross-entropy is not comparable, and stands there for the record.

Sizes of contexts are chosen on XIII. Intervals are of 1000 resamples of the windows, the same for
all; those of differences are paired. What is trained is not trained again.
"""

import argparse
import importlib.metadata
import json
import pathlib
import time
from typing import Any

import numpy as np
from measure import machine

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome_windows import GenomeWindows
from genokeras.evaluation import bootstrap
from genokeras.evaluation.context_baseline import asked_bases, fit_context_model, scores_of
from genokeras.evaluation.self_supervised import score_self_supervised
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords.reader import Dataset

RESULTS = pathlib.Path(__file__).parent / "results" / "yeast_mlm.json"
SPLITS = {"valid_chroms": ("XIII",), "test_chroms": ("XIV", "XV", "XVI")}
WINDOW_BP, SHIFT_BP = 256, 32

# Scores, and those of every resample by metric.
Scored = tuple[dict[str, Any], dict[str, np.ndarray]]


def main() -> None:
    """Trains what is not there yet, and scores all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fasta", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, default="runs/yeast_mlm")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--set", action="append", default=[], help="field of the preset")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args()
    computer, started = machine(), time.process_time()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    dataset = build(options)
    runs = [network(options, dataset, seed) for seed in seeds]
    scored = [
        score_self_supervised(
            run, dataset, "test", run.step_of("best"), batch_size=256, baseline=False
        )
        for run in runs
    ]
    of_contexts = {
        "contexts": contexts(runs[0], dataset, 6, shown=False, behind=True),
        "contexts_shown": contexts(runs[0], dataset, 6, shown=True, behind=True),
        "markov": contexts(runs[0], dataset, 12, shown=True, behind=False),
    }
    found = {
        "preset": options.preset,
        "set": options.set,
        "steps": options.steps,
        "seeds": seeds,
        "parameters": runs[0].model("best").count_params(),
        "test_windows": scored[0][0]["n"],
        "hidden_bases": scored[0][0]["num_bases"],
        "mlm": [
            kept(of_run[0]) | {"less_contexts": difference(of_run, of_contexts["contexts"])}
            for of_run in scored
        ],
        **{name: kept(scores) for name, (scores, _) in of_contexts.items()},
        "cpu_minutes": round((time.process_time() - started) / 60, 1),
        "machine": computer,
        "versions": {name: importlib.metadata.version(name) for name in ("keras", "numpy")},
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


def build(options: argparse.Namespace) -> Dataset:
    """Builds the dataset, unless it is there."""
    source = GenomeWindows(options.fasta, window_bp=WINDOW_BP, shift_bp=SHIFT_BP)
    data_dir = options.folder / "data"
    build_dataset(source, data_dir, "yeast", config=BuildConfig(shift_bp=SHIFT_BP, **SPLITS))
    return Dataset(data_dir)


def network(options: argparse.Namespace, dataset: Dataset, seed: int) -> Run:
    """Returns the run of a seed, trained."""
    workdir = options.folder / f"{options.preset}_{options.steps}_{seed}"
    steps = {"steps": options.steps, "eval_every": max(1, options.steps // 10), "seed": seed}
    what = {"model": "mlm", "preset": options.preset, "overrides": tuple(options.set)}
    training = recipe("mlm", options.preset, **steps)
    train(dataset.data_dir, workdir, **what, training=training, log=print)
    return Run.open(workdir)


def contexts(run: Run, dataset: Dataset, most: int, *, shown: bool, behind: bool) -> Scored:
    """Returns the scores of a model of contexts of the bases that `run` is asked for."""
    options = {"shown": shown, "behind": behind}
    model = fit_context_model(run, dataset, max_context_bp=most, **options)
    running = scores_of(model, asked_bases(run, dataset.split("test"), shown=shown))
    drawn = bootstrap.resampled_scores(running.resampled, running.num_groups)
    ends = {f"{name}_ci": bootstrap.interval(values) for name, values in drawn.items()}
    about = {"context_bp": model.context_bp, "prior": model.prior}
    return running.result() | ends | about, drawn


def difference(of_run: Scored, of_contexts: Scored) -> dict[str, Any]:
    """Returns by how much the cross-entropy of a run is above that of contexts, resample by one."""
    (own, drawn), (other, others) = of_run, of_contexts
    name = "cross_entropy"
    ends = bootstrap.interval(drawn[name] - others[name])
    return {name: own[name] - other[name], f"{name}_ci": ends}


def kept(scores: dict[str, Any]) -> dict[str, Any]:
    """Returns of the scores of a model those that the table shows."""
    names = ("cross_entropy", "accuracy", "perplexity")
    names = [*names, *(f"{name}_ci" for name in names), "context_bp", "prior"]
    return {name: scores[name] for name in names if name in scores}


if __name__ == "__main__":
    main()
