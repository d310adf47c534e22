"""On TensorFlow the same weights come out however a batch is divided over devices and hosts.

20 steps in float64, in processes of their own; `exactness/cases.py` has the models.
"""

import json

import numpy as np
import pytest

from tests.genokeras.training.exactness.processes import Processes, excess, free_port, of

CASES = ("group", "batch", "dropout", "contrastive", "vae")
ALL_AT_ONCE = {"jit": "on", "gradient_accumulation": 4, "steps_per_execution": 5}
ALONE = {"strategy": "single"}
SHARED = {"strategy": "mirrored"}


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path) as processes:
        yield processes


def on_two_hosts(processes, jobs, **order):
    """Starts two processes that are workers of one run; returns how to wait for each."""
    workers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    configs = [
        {"cluster": {"worker": workers}, "task": {"type": "worker", "index": host}}
        for host in range(2)
    ]
    order |= {"runtime": {"strategy": "multiworker"}, "jobs": jobs}
    return [processes.start(order, TF_CONFIG=json.dumps(config)) for config in configs]


def test_two_devices_give_the_weights_of_one(processes):
    jobs = dict.fromkeys(("group", "batch", "views", "vae"), ALONE)
    jobs["group/all"] = {"case": "group", **SHARED, **ALL_AT_ONCE}
    jobs |= {f"{name}/two": {"case": name, **SHARED} for name in ("batch", "views", "vae")}
    jobs |= dict.fromkeys(("layer", "layer_wrong"), ALONE)
    arrays = processes.start({"logical_devices": 2, "jobs": jobs})()
    for job in ("group/all", "vae/two", "views/two", "batch/two"):
        assert excess(of(arrays, job), of(arrays, job.split("/")[0])) <= 1, job
    # The mean of two replicas' own means is told apart.
    assert excess(of(arrays, "layer_wrong"), of(arrays, "layer")) > 1000


@pytest.mark.slow
def test_two_hosts_give_the_weights_of_one(processes):
    # Not compiled, with the values kept that a step might have to go back to.
    pieces = {"gradient_accumulation": 2, "on_nan": "skip"}
    jobs = {"batch/two": {"case": "batch"}, "contrastive/two": {"case": "contrastive", **pieces}}
    # Behind the others: a strategy of several hosts must be the first to compute anything.
    jobs |= dict.fromkeys(("batch", "contrastive", "contrastive_wrong"), ALONE)
    waits = on_two_hosts(processes, jobs)
    for arrays in (wait() for wait in waits):
        for name in ("batch", "contrastive"):
            assert excess(of(arrays, f"{name}/two"), of(arrays, name)) <= 1, name
        # What each host would make of its own half alone is told apart.
        assert excess(of(arrays, "contrastive_wrong"), of(arrays, "contrastive")) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 4])
def test_every_case_is_exact_in_every_way(processes, devices):
    ways = {
        "plain": SHARED,
        "jit": SHARED | {"jit": "on"},
        "steps": SHARED | {"steps_per_execution": 5},
        "pieces": SHARED | {"gradient_accumulation": 4},
        "all": SHARED | ALL_AT_ONCE,
        "one_device": ALONE | ALL_AT_ONCE,
    }
    jobs = dict.fromkeys(CASES, ALONE)
    jobs |= {
        f"{name}/{way}": {"case": name, **settings}
        for name in CASES
        for way, settings in ways.items()
        if name != "batch" or "gradient_accumulation" not in settings
    }
    arrays = processes.start({"logical_devices": devices, "jobs": jobs})()
    for job in jobs:
        name, _, way = job.partition("/")
        if way:
            assert excess(of(arrays, job), of(arrays, name)) <= 1, job


@pytest.mark.slow
def test_every_case_is_exact_on_two_hosts(processes):
    waits = on_two_hosts(processes, {name: {} for name in CASES})
    alone = processes.start({"jobs": dict.fromkeys(CASES, ALONE)})()
    for arrays in (wait() for wait in waits):
        for name in CASES:
            assert excess(of(arrays, name), of(alone, name)) <= 1, name


@pytest.mark.slow
def test_loss_curves_in_float32_stay_together(processes):
    jobs = dict.fromkeys(CASES, ALONE)
    jobs |= {f"{name}/two": {"case": name, **SHARED} for name in CASES}
    order = {"logical_devices": 2, "precision": "float32", "jobs": jobs}
    arrays = processes.start(order)()
    for name in CASES:
        curves = arrays[f"{name}/losses"], arrays[f"{name}/two/losses"]
        np.testing.assert_allclose(*curves, rtol=1e-4, err_msg=name)
