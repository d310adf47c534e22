"""Does learning from DNA without labels pay? Probes of it, and training that begins there.

python benchmarks/pretraining.py FASTA PEAKS GUE --jobs=probes       (two CPU hours each;
python benchmarks/pretraining.py FASTA PEAKS GUE --jobs=tuning        results/pretraining.json)

FASTA is the genome of yeast, PEAKS a folder of ChIP-exo summits of ten proteins on it
(doi:10.1038/s41586-021-03314-8), GUE one of the sets tf0, tf1 and tf2 of human binding sites
(arXiv:2306.15006). Two corpora without labels:

- `yeast`: windows of 200 bp of chromosomes I to XII, judged by the sites of the ten proteins;
- `gue`: the training sequences of tf0, tf1 and tf2, 101 bp, judged by each of the three.

On either a masked language model and a contrastive one are trained, of one size, once for each
seed. `probes`: `launch.probe` fits logistic regressions of their embeddings, with 1%, 10% and all
of the labels, beside untrained networks, 6-mers and one-hot DNA. `tuning`: `launch.compare` trains
the same network on the labels, from scratch and from the masked language model of seed 0, on as
many shares of them. Test chromosomes and test sequences are seen by none.

What is done is not done again: the same command goes on where it stopped.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib
import resource
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from measure import machine

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "pretraining.json"
PROTEINS = ("Reb1", "Abf1", "Rap1", "Mcm1", "Cbf1", "Ume6", "Fkh1", "Tbf1", "Sfp1", "Sua7")
GUE_SETS = ("tf0", "tf1", "tf2")
WINDOWS = ("--window_bp=200", "--shift_bp=8", "--valid_chroms=XIII", "--test_chroms=XIV,XV,XVI")
MODELS = ("mlm", "contrastive")
_OPPOSITE = str.maketrans("ACGT", "TGCA")
SIZES = ("channels=96", "blocks=2", "num_heads=4", "feedforward_units=256")
SIZES_AS_FLAGS = tuple(f"--set={size}" for size in (*SIZES, "stem_kernel_size=15"))
# Of the labels, and steps of 32 windows to learn from them.
SHARES = {"1%": ("0.01", "300"), "10%": ("0.1", "600"), "100%": ("1", "1500")}


def main() -> None:
    """Does what is not done yet, and writes what there is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("fasta", "peaks", "gue"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, default="runs/pretraining")
    parser.add_argument("--jobs", default="probes,tuning")
    parser.add_argument("--steps", type=int, default=1500, help="of learning without labels")
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    seeds, jobs = options.seeds.split(","), options.jobs.split(",")
    corpora, labelled = build(options)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for job in jobs:
        computer = machine()
        rows = {"probes": probes, "tuning": tuning}[job](options, corpora, labelled, seeds)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        about = {"steps": options.steps, "seeds": seeds, "sizes": SIZES_AS_FLAGS}
        minutes = round((spent.ru_utime + spent.ru_stime) / 60)
        found[job] = about | {"rows": rows, "machine": computer, "cpu_minutes": minutes}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def build(
    options: argparse.Namespace,
) -> tuple[dict[str, pathlib.Path], dict[str, dict[str, pathlib.Path]]]:
    """Returns the corpora, and the labelled datasets that go with each; builds what is missing."""
    data = options.folder / "data"
    built = {
        "yeast": dataset(data / "yeast", windows_flags(options.fasta)),
        "sites": dataset(data / "sites", peaks_flags(options.fasta, options.peaks)),
    }
    for name in GUE_SETS:
        files = {
            split: options.gue / name / f"{split}.csv.gz" for split in ("train", "dev", "test")
        }
        tables = [f"--train={files['train']}", f"--valid={files['dev']}", f"--test={files['test']}"]
        built[name] = dataset(data / name, ["--source=csv", *tables])
    joined = [f"--{split}={join(options, split)}" for split in ("train", "valid")]
    built["gue"] = dataset(data / "gue", ["--source=csv", *joined])
    corpora = {name: built[name] for name in ("yeast", "gue")}
    return corpora, {"yeast": {"sites": built["sites"]}, "gue": {x: built[x] for x in GUE_SETS}}


def windows_flags(fasta: pathlib.Path) -> list[str]:
    """Returns the flags that build windows of the genome of yeast."""
    return ["--source=windows", f"--fasta={fasta}", *WINDOWS]


def peaks_flags(fasta: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Returns the flags that build windows with and without sites of the ten proteins."""
    peaks = ",".join(str(folder / f"{name}.bed") for name in PROTEINS)
    source = ["--source=peaks", f"--fasta={fasta}", f"--peaks={peaks}", "--chrom_alias=auto"]
    return [*source, *WINDOWS]


def join(options: argparse.Namespace, split: str) -> pathlib.Path:
    """Writes the sequences of one split of all sets into one table, and returns it."""
    path = options.folder / "data" / f"gue_{split}.csv"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    test = rows_of(options, "test")
    # The opposite strand is the same DNA.
    test = {*test, *(text[::-1].translate(_OPPOSITE) for text in test)}
    kept = dict.fromkeys(x for x in rows_of(options, split) if x not in test)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("sequence",), *((x,) for x in kept)])
    return path


def rows_of(options: argparse.Namespace, split: str) -> list[str]:
    """Returns the sequences of one split of all sets."""
    found, file = [], {"valid": "dev"}.get(split, split)
    for name in GUE_SETS:
        with gzip.open(options.gue / name / f"{file}.csv.gz", "rt", newline="") as lines:
            found += [row["sequence"] for row in csv.DictReader(lines)]
    return found


def dataset(folder: pathlib.Path, flags: Sequence[str]) -> pathlib.Path:
    """Builds a dataset, unless it is there."""
    if not (folder / "manifest.json").exists():
        launch("build_dataset", *flags, f"--data_dir={folder}", f"--name={folder.name}")
    return folder


def encoder(
    options: argparse.Namespace, corpus: str, data_dir: pathlib.Path, model: str, seed: str
) -> pathlib.Path:
    """Returns the run of a model that learns without labels, trained."""
    workdir = options.folder / "encoders" / corpus / f"{model}-{seed}"
    flags = [f"--model={model}", "--preset=small", *SIZES_AS_FLAGS, f"--seed={seed}"]
    steps = [f"--steps={options.steps}", f"--eval_every={max(1, options.steps // 5)}"]
    launch("train", *flags, *steps, f"--data_dir={data_dir}", f"--workdir={workdir}")
    return workdir


def probes(
    options: argparse.Namespace,
    corpora: dict[str, pathlib.Path],
    labelled: dict[str, dict[str, pathlib.Path]],
    seeds: Sequence[str],
) -> list[dict[str, Any]]:
    """Returns the rows of all probes, with `corpus`, `set` and `seed`."""
    found = []
    for corpus, data_dir in corpora.items():
        for seed in seeds:
            runs = [encoder(options, corpus, data_dir, model, seed) for model in MODELS]
            for name, labels in labelled[corpus].items():
                output = options.folder / "probes" / f"{name}-{seed}.json"
                output.parent.mkdir(parents=True, exist_ok=True)
                if not output.exists():
                    given = [f"--workdir={','.join(map(str, runs))}", f"--seed={seed}"]
                    launch("probe", *given, f"--data_dir={labels}", f"--output={output}")
                rows = json.loads(output.read_text())["rows"]
                found += [{"corpus": corpus, "set": name, "seed": int(seed)} | x for x in rows]
    return found


def tuning(
    options: argparse.Namespace,
    corpora: dict[str, pathlib.Path],
    labelled: dict[str, dict[str, pathlib.Path]],
    seeds: Sequence[str],
) -> list[dict[str, Any]]:
    """Returns what `launch.compare` found of each corpus and share of the labels."""
    found = []
    for corpus, data_dir in corpora.items():
        run = encoder(options, corpus, data_dir, "mlm", seeds[0])
        for share, (fraction, steps) in SHARES.items():
            output = options.folder / "tuning" / corpus / share.rstrip("%")
            output.mkdir(parents=True, exist_ok=True)
            configs = output / "configurations.txt"
            network = " ".join(["--model=transformer", "--preset=small", *SIZES_AS_FLAGS])
            configs.write_text(f"scratch {network}\nmlm {network} --init_from={run.absolute()}\n")
            datasets = ",".join(f"{name}={path}" for name, path in labelled[corpus].items())
            given = [f"--configs={configs}", f"--data_dir={datasets}", f"--output={output}"]
            of_all = [f"--train_fraction={fraction}", f"--steps={steps}", "--batch_size=32"]
            launch("compare", *given, f"--seeds={','.join(seeds)}", "--", *of_all)
            compared = json.loads((output / "comparison.json").read_text())
            found.append({"corpus": corpus, "share": share} | compared)
    return found


def launch(name: str, *flags: str) -> None:
    """Runs a launcher, and ends if it fails."""
    print(name, *flags, flush=True)
    subprocess.run(
        [sys.executable, "-m", f"launch.{name}", *flags], check=True, env=dict(os.environ)
    )


if __name__ == "__main__":
    main()
