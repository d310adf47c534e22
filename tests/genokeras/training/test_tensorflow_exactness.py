"""On TensorFlow the same weights come out however a batch is divided over devices and hosts.

20 steps in float64, in processes of their own; `exactness/cases.py` has the models, and
`exactness/mistakes.py` what must not give these weights.
"""

import json

import numpy as np
import pytest

from tests.genokeras.training.exactness.processes import (
    ALONE,
    CASES,
    IN_PIECES,
    SHARED,
    Processes,
    assert_exact,
    free_port,
    in_ways,
)

ALL_AT_ONCE = SHARED | IN_PIECES | {"jit": "on"}
MISTAKES = {
    "local_gather": {"case": "views", "mistake": "local_gather"},
    "replica_mean": {"case": "group", "mistake": "replica_mean"},
}


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path) as processes:
        yield processes


def test_two_devices_give_the_weights_of_one(processes):
    jobs = in_ways({"two": SHARED}, ("batch", "vae"))
    jobs |= in_ways({"all": ALL_AT_ONCE}, ("group", "views"))
    jobs |= {name: job | SHARED for name, job in MISTAKES.items()}
    alone = dict.fromkeys(("group", "batch", "views", "vae"), ALONE)
    arrays = processes.start({"logical_devices": 2, "jobs": alone | jobs})()
    assert_exact(arrays, jobs, arrays)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("devices", [2, 4])
def test_every_case_is_exact_in_every_way(processes, devices):
    ways = {
        "plain": SHARED,
        "jit": SHARED | {"jit": "on"},
        "steps": SHARED | {"steps_per_execution": 5},
        "pieces": SHARED | {"gradient_accumulation": 4},
        "all": ALL_AT_ONCE,
        "one_device": ALL_AT_ONCE | ALONE,
    }
    alone, jobs = dict.fromkeys(CASES, ALONE), in_ways(ways)
    lost = {"case": "views", "mistake": "gather_without_gradient"} | SHARED
    jobs |= {"lost": lost, "lost/all": lost | ALL_AT_ONCE}
    arrays = processes.start({"logical_devices": devices, "jobs": alone | jobs})()
    assert_exact(arrays, jobs, arrays)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hosts_give_the_weights_of_one(processes):
    # Not compiled, with the values kept that a step might have to go back to.
    pieces = {"gradient_accumulation": 2, "on_nan": "skip"}
    jobs = in_ways({"plain": {}}) | in_ways({"pieces": pieces}, ("group", "contrastive", "views"))
    jobs |= in_ways({"all": IN_PIECES | {"jit": "on"}}, ("group", "views")) | MISTAKES
    workers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    order = {"runtime": {"strategy": "multiworker"}, "jobs": jobs}
    tasks = [{"type": "worker", "index": host} for host in range(2)]
    configs = [json.dumps({"cluster": {"worker": workers}, "task": task}) for task in tasks]
    waits = [processes.start(order, TF_CONFIG=config) for config in configs]
    alone = processes.start({"jobs": dict.fromkeys(CASES, ALONE)})()
    for wait in waits:
        assert_exact(wait(), jobs, alone)


@pytest.mark.slow
def test_loss_curves_in_float32_stay_together(processes):
    jobs = in_ways({"one": ALONE, "two": SHARED})
    jobs = {name: job | {"precision": "float32"} for name, job in jobs.items()}
    arrays = processes.start({"logical_devices": 2, "jobs": jobs})()
    for name in CASES:
        curves = arrays[f"{name}/one/losses"], arrays[f"{name}/two/losses"]
        np.testing.assert_allclose(*curves, rtol=1e-4, err_msg=name)


@pytest.mark.slow
def test_loss_curves_in_bfloat16_stay_together_with_all_that_can_be_asked_for(processes):
    """Two devices, XLA, several steps a call, pieces; averaged and clipped they all are.

    Of models that end in 32 bits, as the stand-ins do not.
    """
    in_bfloat16, cases = {"precision": "mixed_bfloat16"}, ("group", "dropout", "views")
    ways = {"one": ALONE | in_bfloat16, "all": ALL_AT_ONCE | in_bfloat16, "exact": ALONE}
    jobs = in_ways(ways, cases)
    arrays = processes.start({"logical_devices": 2, "jobs": jobs})()
    for name in cases:
        exact, one = (arrays[f"{name}/{way}/losses"] for way in ("exact", "one"))
        np.testing.assert_allclose(one, exact, rtol=0.05, err_msg=name)
        assert np.abs(one / exact - 1).max() > 1e-4
        everything = arrays[f"{name}/all/losses"]
        np.testing.assert_allclose(everything, one, rtol=0.02, err_msg=name)
