"""The training step of every model, compiled for a TPU that is not there; needs libtpu.

`make test-tpu` installs that in an environment of its own and runs this.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from genokeras.models import spec

PROGRAMS = pathlib.Path(__file__).parent / "tpu_programs.py"
OF_TPU = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TPU_SKIP_MDS_QUERY": "1"}

needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None,
    reason="libtpu is not installed; `make test-tpu` installs it apart, and runs this",
)


def run(*arguments):
    command = [sys.executable, PROGRAMS, *arguments]
    return subprocess.run(command, env=os.environ | OF_TPU, capture_output=True, text=True)


@pytest.mark.slow
@needs_libtpu
def test_every_model_compiles_for_four_chips_of_a_tpu_v5e():
    done = run("v5e:2x2", "tiny")
    assert done.returncode == 0, done.stderr[-5000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["model"] for row in rows] == spec.available()
    for row in rows:
        check(row, 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@needs_libtpu
@pytest.mark.parametrize(
    ("topology", "chips", "preset", "model", "parameters"),
    [
        ("v5e:2x2", 4, "100m", "mlm", 99e6),
        ("v5e:2x2", 4, "100m", "contrastive", 100e6),
        ("v5e:4x4", 16, "500m", "mlm", 500e6),
    ],
)
def test_large_presets_fit_a_tpu_v5e(topology, chips, preset, model, parameters):
    done = run(topology, preset, model)
    assert done.returncode == 0, done.stderr[-5000:]
    row = json.loads(done.stdout)
    check(row, chips)
    assert row["parameters"] == pytest.approx(parameters, rel=0.02)


def check(row, chips):
    print(row)
    assert (row["devices"], row["kind"]) == (chips, "TPU v5 lite")
    assert row["computes_in_bfloat16"]
    # Gradients are added up over the chips, which have 16 GB each.
    assert row["all_reduces"] > 0
    assert row["gigaflops_per_device"] > 0
    assert 0 < row["state_mb"] + row["temporary_mb"] < 16 * 1024


def test_tpu_that_is_not_known_is_told_in_one_line():
    done = run("v99:1x1", "tiny")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "v99:1x1: no such TPU to compile for (" in last
    assert last.endswith("libtpu comes with the extra jax-tpu")
