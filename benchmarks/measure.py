"""What all benchmarks measure and report in the same way."""

import json
import os
import pathlib
import platform
import time
from collections.abc import Callable

import numpy as np


def median_with_interval(values: np.ndarray) -> dict:
    """Returns the median and its 95% bootstrap interval, to four digits."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (10_000, len(values))), axis=1)
    numbers = [np.median(values), *np.quantile(medians, [0.025, 0.975])]
    median, low, high = (float(f"{number:.4g}") for number in numbers)
    return {"median": median, "ci95": [low, high]}


def seconds(call: Callable) -> float:
    """Returns how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_bytes() -> int:
    """Returns the peak resident memory of this process (a child's rusage has its parent's)."""
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def machine() -> dict:
    """Describes the processor and how busy it is with other work; call it before measuring."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    return {
        "cpu": info.split("model name")[1].split("\n")[0].strip("\t :"),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def report(results: dict, path: pathlib.Path, *, keep: bool) -> None:
    """Prints results as JSON and, if they are those of a whole run, keeps them at `path`."""
    text = json.dumps(results, indent=2) + "\n"
    print(text)
    if keep:
        path.write_text(text)
