"""On JAX the same weights come out however a batch is divided, and the same as on TensorFlow.

20 steps in float64, in processes of their own; `exactness/cases.py` has the models.
"""

import numpy as np
import pytest

from tests.genokeras.training.exactness.processes import Processes, excess, free_port, of

CASES = ("group", "batch", "dropout", "contrastive", "vae")
IN_PIECES = {"gradient_accumulation": 4, "steps_per_execution": 5}
ALONE, SHARED = {"strategy": "single"}, {"strategy": "mirrored"}
ON_JAX = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
ONE_DEVICE = {"KERAS_BACKEND": "jax", "XLA_FLAGS": ""}


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path) as processes:
        yield processes


def test_two_devices_and_pieces_give_the_weights_of_one_device(processes):
    jobs = dict.fromkeys(("layer", "batch", "contrastive", "vae"), ALONE)
    jobs |= dict.fromkeys(("layer_wrong", "contrastive_wrong"), ALONE)
    jobs["batch/two"] = {"case": "batch", **SHARED}
    pieces = [f"{name}/pieces" for name in ("contrastive", "vae")]
    jobs |= {job: {"case": job.split("/")[0], **SHARED, **IN_PIECES} for job in pieces}
    arrays = processes.start({"jobs": jobs}, **ON_JAX)()
    for job in ("batch/two", *pieces):
        assert excess(of(arrays, job), of(arrays, job.split("/")[0])) <= 1, job
    # What each of two replicas would make of its own half is told apart.
    for name in ("layer", "contrastive"):
        assert excess(of(arrays, f"{name}_wrong"), of(arrays, name)) > 1000
    losses = arrays["contrastive/losses"]
    assert losses[-5:].mean() < 0.8 * losses[:5].mean()


@pytest.mark.slow
def test_two_processes_give_the_weights_of_one(processes):
    jobs = {"batch": {}, "contrastive": IN_PIECES}
    address = f"127.0.0.1:{free_port()}"
    waits = [
        processes.start(
            {"runtime": {"coordinator": address, "num_processes": 2, "process_id": host},
             "jobs": jobs},
            **ONE_DEVICE,
        )
        for host in range(2)
    ]  # fmt: skip
    together = [wait() for wait in waits]
    alone = processes.start({"jobs": jobs}, **ONE_DEVICE)()
    for name in jobs:
        for arrays in together:
            assert excess(of(arrays, name), of(alone, name)) <= 1, name


@pytest.mark.slow
def test_tensorflow_and_jax_have_the_same_gradients_and_continue_each_other(processes, tmp_path):
    """The states of either after 10 steps go on for 10 on the other, to where both end."""
    names = ("batch", "contrastive", "vae")
    jobs = {name: {"gradients": True, **ALONE} for name in names}
    layer = {"case": "layer", **ALONE}
    jobs |= {"half": layer | {"last": 10}, "whole": layer}
    backends = {"tensorflow": {"KERAS_BACKEND": "tensorflow"}, "jax": ONE_DEVICE}
    waits = [processes.start({"jobs": jobs}, **where) for where in backends.values()]
    tensorflow, jax = (wait() for wait in waits)
    for name in names:
        first, second = of(tensorflow, name), of(jax, name)
        assert first.keys() == second.keys()
        weights = [path for path in first if path.startswith("model/")]
        a, b = (np.concatenate([np.ravel(x[path]) for path in weights]) for x in (first, second))
        assert np.linalg.norm(a - b) <= 1e-9 * np.linalg.norm(a), name
    begins = ([str(tmp_path / file), "half"] for file in ("1.npz", "0.npz"))
    waits = [
        processes.start({"jobs": {"rest": layer | {"first": 10, "begin": begin}}}, **where)
        for begin, where in zip(begins, backends.values(), strict=True)
    ]
    for wait in waits:
        found = of(wait(), "rest")
        for arrays in (tensorflow, jax):
            expected = of(arrays, "whole")
            expected["losses"] = expected["losses"][10:]
            # Keras rounds the decays of AdamW to 32 bits on TensorFlow, learning rates on both.
            assert excess(found, expected) <= 100


@pytest.mark.slow
def test_every_case_is_exact_in_every_way(processes):
    ways = {
        "two": SHARED,
        "steps": SHARED | {"steps_per_execution": 5},
        "pieces": ALONE | {"gradient_accumulation": 4},
        "both": SHARED | IN_PIECES,
    }
    jobs = dict.fromkeys(CASES, ALONE)
    jobs |= {
        f"{name}/{way}": {"case": name, **settings}
        for name in CASES
        for way, settings in ways.items()
        if name != "batch" or "gradient_accumulation" not in settings
    }
    arrays = processes.start({"jobs": jobs}, **ON_JAX)()
    for job in jobs:
        name, _, way = job.partition("/")
        if way:
            assert excess(of(arrays, job), of(arrays, name)) <= 1, job
