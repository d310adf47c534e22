"""Several hosts of a run share its evaluations."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.genokeras.training.exactness.processes import free_port

FOLDER = pathlib.Path(__file__).parent


def environments(backend):
    """What tells two processes on this machine that they are the hosts of a run."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    found = []
    for host in range(2):
        task = {"type": "worker", "index": host}
        config = {"cluster": {"worker": addresses}, "task": task}
        joined = {"coordinator": addresses[0], "num_processes": 2, "process_id": host}
        if backend == "jax":
            found.append(({"KERAS_BACKEND": "jax", "XLA_FLAGS": ""}, joined))
        else:
            found.append(({"TF_CONFIG": json.dumps(config)}, {"strategy": "multiworker"}))
    return found


def start(command, environment):
    return subprocess.Popen(
        command, cwd=FOLDER.parents[2], env=os.environ | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def evaluate(folder, data_dir, hosts):
    """Runs `host_scores.py` on each host; returns what each of them found."""
    started, paths = [], [folder / f"{len(hosts)}-{number}.json" for number in range(len(hosts))]
    try:
        for path, (environment, runtime) in zip(paths, hosts, strict=True):
            command = [sys.executable, FOLDER / "host_scores.py", path, data_dir]
            command.append(json.dumps(runtime))
            started.append(start(command, environment))
        for process in started:
            said = process.communicate(timeout=200)[0]
            assert process.returncode == 0, said[-5000:]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return [json.loads(path.read_text()) for path in paths]


@pytest.mark.parametrize("backend", ["jax", pytest.param("tensorflow", marks=pytest.mark.slow)])
def test_each_host_reads_its_part_and_all_have_the_scores_of_one(backend, data_dir, tmp_path):
    """Of 100 examples 96 are evaluated at a time: the second batch is padding but for four."""
    hosts = environments(backend)
    alone = ({**hosts[0][0], "TF_CONFIG": ""}, {"strategy": "single"})
    [one] = evaluate(tmp_path, data_dir, [alone])
    first, second = evaluate(tmp_path, data_dir, hosts)
    assert one["rows"] == [*range(100), *[0] * 92]
    assert first["rows"] == [*range(48), *range(96, 100), *[0] * 44]
    assert second["rows"] == [*range(48, 96), *[0] * 48]
    assert one["scores"]["n"] == 100
    for found in (first, second):
        assert found["targets"] == one["targets"]
        np.testing.assert_allclose(found["logits"], one["logits"], atol=1e-6)
        assert found["scores"].keys() == one["scores"].keys()
        for name in ("loss", "auroc", "auprc"):
            assert found["scores"][name] == pytest.approx(one["scores"][name], abs=1e-6), name
    for found in (one, first, second):
        np.testing.assert_allclose(found["predicted"], one["logits"], atol=1e-6)
