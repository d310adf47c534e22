"""Which network is best for short windows: what was tried, and what the chosen one scores.

python benchmarks/short_windows.py search GUE --variants="base,no k-mers" --sets=tf2 --seeds=0,1
python benchmarks/short_windows.py test GUE --presets=base,fast --seeds=0,1,2
python benchmarks/short_windows.py test DEEPBIND

GUE is a folder of folders (`tf0` is examples/data/gue_tf0) with `train.csv.gz`, `dev.csv.gz` and
`test.csv.gz`; DEEPBIND holds pairs of `NAME_AC.seq.gz` (training positives) and `NAME_B.seq.gz`.

`search` sees no test sequence: it holds 4000 training rows out and scores the last checkpoint on
those. `test` trains as `launch.train` does by default, and scores the test split. Either adds its
results to results/short_windows.json, leaving out what stands there already, from which
`python benchmarks/short_windows_tables.py` makes the tables of docs/short_windows.md.
"""

import argparse
import csv
import gzip
import importlib.metadata
import json
import pathlib
import tempfile
from typing import Any

import numpy as np
from measure import machine

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from genokeras.evaluation.evaluate import evaluate
from genokeras.training.train import recipe, train
from tfrecords.manifest import Manifest

RESULTS = pathlib.Path(__file__).parent / "results" / "short_windows.json"
NUM_HELD_OUT = 4000
_DEEPBIND_TRAIN, _DEEPBIND_TEST = "_AC.seq.gz", "_B.seq.gz"

# What is varied: fields of the preset `base`, and of its training configuration.
VARIANTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "base": ((), {}),
    "one network instead of two": (("members=1",), {}),
    "an attention block": (("attention_blocks=1",), {}),
    "no mean over shifts": (("average_shift_bp=0",), {}),
    "no mean over strands": (("rc=augment",), {}),
    "no k-mer branch": (("kmer=0",), {}),
    "no mutation": (("mutation_rate=0",), {}),
    "layer norm": (("norm=layer",), {}),
    "96 filters": (("filters=96",), {}),
    "12 epochs": ((), {"epochs": 12}),
    "no averaged weights": ((), {"ema": 0.0}),
}


def main() -> None:
    """Trains and scores what is asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", choices=("search", "test"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sets", default="", help="some of the sets; default: all")
    parser.add_argument("--variants", default="base")
    parser.add_argument("--presets", default="base")
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args()
    sets = options.sets.split(",") if options.sets else _sets(options.folder)
    variants = options.variants.split(",") if options.job == "search" else ["base"]
    presets = options.presets.split(",") if options.job == "test" else ["base"]
    for name in sets:
        for preset in presets:
            for variant in variants:
                for seed in map(int, options.seeds.split(",")):
                    run = {"set": name, "preset": preset, "variant": variant, "seed": seed}
                    measure(options.job, options.folder, run)


def measure(job: str, folder: pathlib.Path, run: dict[str, Any]) -> None:
    """Adds one training to the results, unless it stands there."""
    if any(run.items() <= found.items() for found in json.loads(RESULTS.read_text())[job]):
        return
    overrides, changes = VARIANTS[run["variant"]]
    computer = machine()
    with tempfile.TemporaryDirectory() as temporary:
        data_dir, workdir = pathlib.Path(temporary, "data"), pathlib.Path(temporary, "run")
        manifest = _build(job, folder, run["set"], data_dir)
        training = recipe(preset=run["preset"], seed=run["seed"], **changes)
        options = {"preset": run["preset"], "overrides": overrides, "training": training}
        result = train(data_dir, workdir, **options)
        if job == "search":
            scores = evaluate(workdir, "valid", checkpoint="last", baseline=False, num_bootstrap=0)
        else:
            scores = evaluate(workdir, "test")
    found = run | {
        "examples": manifest.num_examples("train"),
        "steps": result.steps,
        **_kept(scores),
        "machine": computer,
        "versions": {name: importlib.metadata.version(name) for name in ("keras", "numpy")},
    }
    results = json.loads(RESULTS.read_text())  # Anew: another process may have added to them.
    results[job].append(found)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(found))


def _kept(scores: dict[str, Any]) -> dict[str, Any]:
    names = ("auroc", "auprc", "mcc", "mcc_at_threshold", "loss")
    kept = {
        name: scores[name]
        for name in (*names, *(f"{name}_ci" for name in names))
        if scores.get(name) is not None
    }
    return kept | ({"baseline": _kept(scores["baseline"])} if scores.get("baseline") else {})


def _sets(folder: pathlib.Path) -> list[str]:
    positives = sorted(path.name for path in folder.glob(f"*{_DEEPBIND_TRAIN}"))
    return [name.removesuffix(_DEEPBIND_TRAIN) for name in positives] or sorted(
        path.parent.name for path in folder.glob("*/train.csv.gz")
    )


def _build(job: str, folder: pathlib.Path, name: str, data_dir: pathlib.Path) -> Manifest:
    """Builds the dataset of a search or of a test."""
    if (folder / f"{name}{_DEEPBIND_TRAIN}").exists():
        files = {
            "train": [str(folder / f"{name}{_DEEPBIND_TRAIN}")],
            "test": [str(folder / f"{name}{_DEEPBIND_TEST}")],
        }
        columns = {"sequence_column": "seq", "target_columns": ["Bound"]}
        config = BuildConfig(negatives="dinucleotide_shuffle", num_folds=10, fold=0)
        return build_dataset(CsvTable(files, **columns), data_dir, name.lower(), config=config)
    splits = {"train": "train", "valid": "dev", "test": "test"}
    files = {split: [str(folder / name / f"{file}.csv.gz")] for split, file in splits.items()}
    if job == "search":
        files = _hold_out(folder / name / "train.csv.gz", data_dir.parent)
    return build_dataset(CsvTable(files), data_dir, name)


def _hold_out(table: pathlib.Path, folder: pathlib.Path) -> dict[str, list[str]]:
    """Splits a table of labelled sequences into a train and a valid table."""
    with gzip.open(table, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    order = np.random.default_rng(123).permutation(len(rows))
    files = {}
    for split, numbers in (("valid", order[:NUM_HELD_OUT]), ("train", order[NUM_HELD_OUT:])):
        path = folder / f"{split}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *(rows[number] for number in sorted(numbers))])
        files[split] = [str(path)]
    return files


if __name__ == "__main__":
    main()
