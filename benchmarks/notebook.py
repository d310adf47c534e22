"""From a table to a scored model: two commands, beside what a notebook does.

python benchmarks/notebook.py                            (three minutes; results/notebook.json)
python benchmarks/notebook.py --steps=10 --pairs=1       (a quick look; prints, keeps no file)

Ours: `launch.build_dataset` (parses, checks, audits for leakage) and `launch.train --evaluate=test`
(scores with intervals, a 6-mer baseline, calibration, pictures, report.html), one process each,
with every preset of `--presets`. Beside them one process of `peers/notebook.py`: pandas, a
loop over bases, `from_tensor_slices`, `model.fit` of the network of `conv_v2` for as many steps,
`predict` and scikit-learn's AUROC. They take turns; times are of the whole processes, from the
start of Python, and ratios medians over these rounds with a 95% bootstrap interval. Peak memory is
that of the largest process.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from measure import machine, median_with_interval, report

HERE = pathlib.Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "data" / "gue_tf0"
RESULTS = HERE / "results" / "notebook.json"
FULL_STEPS, FULL_PAIRS, PRESETS = 1000, 3, ("conv_v2", "fast")
COMMANDS = ("build_dataset", "train")


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=pathlib.Path, default=EXAMPLE, help="{train,dev,test}.csv.gz"
    )
    parser.add_argument("--presets", nargs="+", default=list(PRESETS))
    parser.add_argument("--steps", type=int, help="of every run; default: as the preset says")
    parser.add_argument("--pairs", type=int, default=FULL_PAIRS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options)
    is_whole = options.steps is None and options.pairs == FULL_PAIRS and options.data == EXAMPLE
    report(results, RESULTS, keep=is_whole)


def measure(folder: pathlib.Path, options: argparse.Namespace) -> dict:
    """Returns all results."""
    computer = machine()
    rounds: list[dict[str, dict]] = []
    for number in range(options.pairs):
        runs = {
            preset: two_commands(folder / "ours", options.data, preset, options.steps)
            for preset in options.presets
        }
        steps = options.steps or FULL_STEPS
        rounds.append({"notebook": notebook(options.data, steps), **runs})
        print(f"round {number + 1} of {options.pairs}", file=sys.stderr)
    packages = ("keras", "numpy", "pandas", "scikit-learn")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "machine": computer,
        "versions": {"python": platform.python_version(), **versions},
        "data": options.data.name,
        "rounds": options.pairs,
        "runs": {name: summarise([one[name] for one in rounds]) for name in rounds[0]},
        "share_of_the_time_of_the_notebook": {
            preset: median_with_interval(
                np.array([one[preset]["seconds"] / one["notebook"]["seconds"] for one in rounds])
            )
            for preset in options.presets
        },
    }


def summarise(runs: list[dict]) -> dict:
    """Returns the medians over the runs of one way, and the scores of each."""
    names = [name for name in runs[0] if "seconds" in name]
    return {
        **{name: median_with_interval(np.array([run[name] for run in runs])) for name in names},
        "peak_bytes": int(np.median([run["peak_bytes"] for run in runs])),
        "steps": runs[0]["steps"],
        "auroc": [round(run["auroc"], 4) for run in runs],
    }


def two_commands(folder: pathlib.Path, data: pathlib.Path, preset: str, steps: int | None) -> dict:
    """Builds, trains and scores anew; returns seconds, peak memory and score."""
    shutil.rmtree(folder, ignore_errors=True)
    tables = {"train": "train", "valid": "dev", "test": "test"}
    flags = {
        "build_dataset": [
            "--source=csv",
            *(f"--{split}={data / name}.csv.gz" for split, name in tables.items()),
            f"--data_dir={folder / 'data'}",
            "--name=bench",
        ],
        "train": [
            f"--data_dir={folder / 'data'}",
            f"--workdir={folder / 'run'}",
            f"--preset={preset}",
            *([f"--steps={steps}"] if steps else []),
            "--evaluate=test",
        ],
    }
    measured = {name: run([f"-mlaunch.{name}", *flags[name]]) for name in COMMANDS}
    scores = json.loads((folder / "run" / "evaluation" / "test.json").read_text())
    result = json.loads((folder / "run" / "result.json").read_text())
    return {
        "seconds": sum(seconds for seconds, _, _ in measured.values()),
        **{f"{name}_seconds": seconds for name, (seconds, _, _) in measured.items()},
        "peak_bytes": max(peak for _, peak, _ in measured.values()),
        "auroc": scores["auroc"],
        "steps": result["steps"],
    }


def notebook(data: pathlib.Path, steps: int) -> dict:
    """Runs the notebook; returns seconds, peak memory and score."""
    seconds, peak, printed = run(
        [str(HERE / "peers" / "notebook.py"), str(data), f"--steps={steps}"]
    )
    found = json.loads(printed.splitlines()[-1])
    return {"seconds": seconds, "peak_bytes": peak, "auroc": found["auroc"], "steps": steps}


def run(arguments: list[str]) -> tuple[float, int, str]:
    """Returns the seconds and the peak memory of a Python process, and what it printed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=printed, stderr=errors, cwd=HERE.parent
        )
        # Not `wait`, which does not tell the memory.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{arguments}: {errors.read()[-3000:]}")
        printed.seek(0)
        return seconds, 1024 * usage.ru_maxrss, printed.read()


if __name__ == "__main__":
    main()
