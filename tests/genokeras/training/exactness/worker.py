"""Trains cases of `cases.py` in a process of its own: `python worker.py OUT.npz < jobs.json`.

The input is `{"runtime": {...}, "precision": "float64", "jobs": {NAME: {"case": ..., and arguments
of cases.train}}}`. The output holds `NAME/group/variable` and the losses, as `NAME/losses`; several
processes write the same, each its own file.
"""

import json
import sys

import cases
import numpy as np

from genokeras.training import devices as all_devices
from genokeras.training import precision
from genokeras.training.runtime import Runtime


def main(path: str) -> None:
    """Runs the jobs."""
    order = json.load(sys.stdin)
    # Before the first array: on JAX the precision decides what an array can hold.
    with precision.scope(order.get("precision", "float64")):
        devices = all_devices.connect(Runtime(**order.get("runtime", {})))
        found = {}
        for name, job in order["jobs"].items():
            case = cases.build(job.pop("case", name))
            arrays, losses = cases.train(case, devices, **job)
            found |= {f"{name}/{variable}": values for variable, values in arrays.items()}
            found[f"{name}/losses"] = np.array(losses)
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
