"""Trains cases of `cases.py` in a process of its own: `python worker.py OUT.npz < order.json`.

The order is `{"runtime": {...}, "jobs": {NAME: JOB}}`. A job is the arguments of `cases.train`,
and, unless they are its name, that of the runtime, float64, False and None: `case`, `strategy`,
`precision`, `gradients` (return those instead), `mistake` (of `mistakes.py`). A `begin` names a
file and a job in it to go on from. OUT holds `NAME/group/variable`, and losses as `NAME/losses`.
Of several processes each writes its own. With `logical_devices` in the order, TensorFlow sees so
many CPUs.
"""

import contextlib
import functools
import json
import sys
from typing import Any

import cases
import mistakes
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
        case, mistake = cases.build(job.pop("case", name)), job.pop("mistake", None)
        with contextlib.ExitStack() as stack:
            stack.enter_context(precision.scope(job.pop("precision", "float64")))
            devices = connected(job.pop("strategy", runtime["strategy"]))
            if mistake:
                stack.enter_context(mistakes.engine_with(mistake))
            arrays = run(case, devices, job)
        found |= {f"{name}/{variable}": values for variable, values in arrays.items()}
    np.savez(path, **found)


def run(case: cases.Case, devices: all_devices.Devices, job: dict[str, Any]) -> dict[str, Any]:
    """Returns what a job gives, by name."""
    if job.pop("gradients", False):
        return cases.gradients(case, devices, **job)
    if "begin" in job:
        file, name = job["begin"]
        arrays = np.load(file)
        paths = [path for path in arrays if path.startswith(f"{name}/")]
        kept = {path.removeprefix(f"{name}/"): arrays[path] for path in paths}
        job["begin"] = {path: values for path, values in kept.items() if path != "losses"}
    arrays, losses = cases.train(case, devices, **job)
    return arrays | {"losses": np.array(losses)}


def split_cpu(count: int) -> None:
    """Makes TensorFlow see so many devices, which are all this processor."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(cpu, logical)


if __name__ == "__main__":
    main(sys.argv[1])
