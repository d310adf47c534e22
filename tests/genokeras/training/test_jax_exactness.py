"""On JAX the same weights come out however a batch is divided, and the same as on TensorFlow.

20 steps in float64, in processes of their own; `exactness/cases.py` has the models, and
`exactness/mistakes.py` what must not give these weights.
"""

import numpy as np
import pytest

from tests.genokeras.training.exactness.processes import (
    ALONE,
    CASES,
    IN_PIECES,
    SHARED,
    Processes,
    assert_exact,
    excess,
    free_port,
    in_ways,
    of,
)

ON_JAX = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
ONE_DEVICE = {"KERAS_BACKEND": "jax", "XLA_FLAGS": ""}
MISTAKES = {
    "local_gather": {"case": "contrastive", "mistake": "local_gather"},
    "replica_mean": {"case": "vae", "mistake": "replica_mean"},
}


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path) as processes:
        yield processes


def test_two_devices_and_pieces_give_the_weights_of_one_device(processes):
    alone = dict.fromkeys(("batch", "contrastive", "vae"), ALONE)
    jobs = in_ways({"pieces": SHARED | IN_PIECES}, ("contrastive", "vae"))
    jobs |= in_ways({"two": SHARED}, ("batch",))
    jobs |= {name: job | SHARED for name, job in MISTAKES.items()}
    arrays = processes.start({"jobs": alone | jobs}, **ON_JAX)()
    assert_exact(arrays, jobs, arrays)
    losses = arrays["contrastive/losses"]
    assert losses[-5:].mean() < 0.8 * losses[:5].mean()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_case_is_exact_in_every_way(processes):
    ways = {
        "two": SHARED,
        "steps": SHARED | {"steps_per_execution": 5},
        "pieces": ALONE | {"gradient_accumulation": 4},
        "both": SHARED | IN_PIECES,
    }
    alone, jobs = dict.fromkeys(CASES, ALONE), in_ways(ways)
    arrays = processes.start({"jobs": alone | jobs}, **ON_JAX)()
    assert_exact(arrays, jobs, arrays)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_processes_give_the_weights_of_one(processes):
    jobs = in_ways({"plain": {}}) | MISTAKES
    jobs |= in_ways({"pieces": IN_PIECES}, ("group", "contrastive", "views"))
    coordinator = {"coordinator": f"127.0.0.1:{free_port()}", "num_processes": 2}
    runtimes = [coordinator | {"process_id": number} for number in range(2)]
    waits = [processes.start({"runtime": r, "jobs": jobs}, **ONE_DEVICE) for r in runtimes]
    alone = processes.start({"jobs": dict.fromkeys(CASES, {})}, **ONE_DEVICE)()
    for wait in waits:
        assert_exact(wait(), jobs, alone)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tensorflow_and_jax_have_the_same_gradients_and_continue_each_other(processes, tmp_path):
    """The states of either after 10 steps go on for 10 on the other, to where both end."""
    jobs = {name: {"gradients": True, **ALONE} for name in CASES}
    group = {"case": "group", **ALONE}
    jobs |= {"half": group | {"last": 10}, "whole": group}
    backends = {"KERAS_BACKEND": "tensorflow"}, ONE_DEVICE
    waits = [processes.start({"jobs": jobs}, **where) for where in backends]
    tensorflow, jax = (wait() for wait in waits)
    for name in CASES:
        first, second = of(tensorflow, name), of(jax, name)
        assert first.keys() == second.keys()
        weights = [path for path in first if path.startswith("model/")]
        a, b = (np.concatenate([np.ravel(x[path]) for path in weights]) for x in (first, second))
        assert np.linalg.norm(a - b) <= 1e-9 * np.linalg.norm(a), name
    begins = ([str(tmp_path / file), "half"] for file in ("1.npz", "0.npz"))
    waits = [
        processes.start({"jobs": {"rest": group | {"first": 10, "begin": begin}}}, **where)
        for begin, where in zip(begins, backends, strict=True)
    ]
    for wait in waits:
        found = of(wait(), "rest")
        for arrays in (tensorflow, jax):
            expected = of(arrays, "whole")
            expected["losses"] = expected["losses"][10:]
            # Keras rounds the decays of AdamW to 32 bits on TensorFlow, learning rates on both.
            assert excess(found, expected) <= 100
