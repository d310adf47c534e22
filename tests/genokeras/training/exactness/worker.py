"""Trains cases of `cases.py` in a process of its own: `python worker.py OUT.npz < order.json`.

The order is `{"runtime": {...}, "precision": ..., "jobs": {NAME: {"case": ..., "strategy": ...,
and arguments of cases.train}}}`; a job's case is its name, its strategy that of the runtime, unless
they are given. OUT holds `NAME/group/variable`, and losses as `NAME/losses`. Of several processes
each writes its own.
"""

import functools
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
    runtime = {"strategy": "auto"} | order.get("runtime", {})
    if "logical_devices" in order:
        split_cpu(order["logical_devices"])

    @functools.cache
    def connected(strategy: str) -> all_devices.Devices:
        return all_devices.connect(Runtime(**runtime | {"strategy": strategy}))

    found = {}
    for name, job in order["jobs"].items():
        case = cases.build(job.pop("case", name))
        with precision.scope(order.get("precision", "float64")):
            devices = connected(job.pop("strategy", runtime["strategy"]))
            arrays, losses = cases.train(case, devices, **job)
        found |= {f"{name}/{variable}": values for variable, values in arrays.items()}
        found[f"{name}/losses"] = np.array(losses)
    np.savez(path, **found)


def split_cpu(count: int) -> None:
    """Makes TensorFlow see so many devices, which are all this processor."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(cpu, logical)


if __name__ == "__main__":
    main(sys.argv[1])
