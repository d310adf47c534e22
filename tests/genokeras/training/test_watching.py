"""What can be seen of a run: its scalars and a trace; `test_jax_engine.py` runs it on JAX too."""

import pathlib

import jax
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from genokeras.training import usage
from genokeras.training.runtime import Runtime
from genokeras.training.step_trace import TRACES
from genokeras.training.summaries import read_rows
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig

SMALL = {"preset": "single_conv_only", "overrides": ["filters=8"]}
SETTINGS = TrainConfig(steps=12, batch_size=32, eval_every=6, log_every=2, steps_per_execution=2)
SPEED = {"examples_per_second", "input_wait_fraction", "flops_per_second"}


@pytest.fixture(scope="module")
def watched(data_dir, tmp_path_factory):
    """A run of which steps 5 to 8 were traced, and what it logged."""
    workdir, lines = tmp_path_factory.mktemp("watched") / "run", []
    runtime = Runtime(profile_steps="5:7")
    train(data_dir, workdir, **SMALL, training=SETTINGS, runtime=runtime, log=lines.append)
    return workdir, lines


def steps_named(path: pathlib.Path) -> set[int]:
    """Returns the numbers of the steps in a trace, read by a library that is not TensorFlow."""
    planes = jax.profiler.ProfileData.from_file(str(path)).planes
    events = [event for plane in planes for line in plane.lines for event in line.events]
    stats = [dict(event.stats) for event in events if event.name == "train"]
    return {int(found["step_num"]) for found in stats if "step_num" in found}


def test_trace_has_the_calls_that_hold_the_steps(watched):
    workdir, lines = watched
    (folder,) = (workdir / TRACES).iterdir()
    assert folder.name == "steps-5-8"
    (trace,) = folder.glob("*.xplane.pb")
    assert steps_named(trace) == {5, 7}
    assert any(line.startswith(f"Trace of steps 5 to 8: {folder}; to look") for line in lines)
    assert not list(workdir.rglob(".writing*"))


def test_trace_changes_nothing_of_what_is_learnt(watched, data_dir, tmp_path):
    train(data_dir, tmp_path / "run", **SMALL, training=SETTINGS)
    losses = [
        [row["train"].get("loss") for row in read_rows(workdir)]
        for workdir in (watched[0], tmp_path / "run")
    ]
    assert losses[0] == losses[1]


def test_rows_and_curves_have_speed_and_memory(watched):
    workdir = watched[0]
    rows = {row["step"]: row["train"] for row in read_rows(workdir) if row["step"]}
    # The first call compiles; writing the trace is left out of the speed.
    assert {step for step, row in rows.items() if not row.keys() & SPEED} == {2, 8}
    for step, row in rows.items():
        assert 0.05 < row["peak_memory_gb"] < 100
        assert step in (2, 8) or row.keys() >= SPEED
        assert "mfu" not in row  # Nobody knows the peak of a CPU.
    tags = set(EventAccumulator(str(workdir / "tensorboard")).Reload().Tags()["scalars"])
    assert {f"train/{name}" for name in (*SPEED, "peak_memory_gb")} <= tags


def test_flops_are_those_of_the_steps_made(watched):
    """The convolution, forward and the gradient of its kernel, and the head with both gradients."""
    convolution = 2 * 32 * 40 * 10 * 4 * 8
    head = 2 * 32 * (20 * 8)
    rows = [row["train"] for row in read_rows(watched[0])]
    ratios = [
        row["flops_per_second"] / row["examples_per_second"] for row in rows if row.keys() >= SPEED
    ]
    assert ratios == pytest.approx([(2 * convolution + 3 * head) / 32] * len(ratios))


def test_mfu_is_the_share_of_the_peak_of_all_devices():
    class Devices:
        num_replicas = 4

        def kind(self):
            return "NVIDIA L4"

        def peak_memory_bytes(self):
            return 3_000_000_000

    class Engine:
        asked = 0

        def flops_per_step(self, placed):
            self.asked += 1
            return 121e12

    engine = Engine()
    found = usage.Usage(
        Devices(), engine, TrainConfig(batch_size=10, precision="mixed_bfloat16", steps=1)
    )
    assert found.row({}) == {"peak_memory_gb": 3.0}
    found.count(None)
    found.count(None)
    assert engine.asked == 1
    assert found.row({"examples_per_second": 20.0}) == {
        "flops_per_second": 242e12,
        "mfu": 0.5,
        "peak_memory_gb": 3.0,
    }
