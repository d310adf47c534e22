"""What is so on JAX only; `test_jax_engine.py` runs this with Keras on JAX and two devices."""

import jax
import keras
import numpy as np
import pytest
from test_engine import LINEAR, PLAIN, PLAN, SPEC, build, make_batch, train

from genokeras.training import (
    accelerators,
    devices,
    jax_devices,
    jax_precision,
    optimizer,
    precision,
)
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.stopping import HostLost
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError


def make_engine(strategy, model=None, **settings):
    training = TrainConfig(**PLAIN | settings)
    model = model or build()
    built = optimizer.build(training, PLAN, model)
    connected = devices.connect(Runtime(strategy=strategy))
    return connected.engine(Learner(LINEAR, None, SPEC, model, built, training), True)


def test_each_device_gets_its_rows_of_every_batch():
    batches = [make_batch(seed=seed) for seed in range(3)]
    placed = make_engine("mirrored").place(batches)["x"]
    expected = np.stack([batch["x"] for batch in batches])
    assert placed.shape == (3, 4, 3)
    for number, shard in enumerate(placed.addressable_shards):
        np.testing.assert_array_equal(shard.data, expected[:, 2 * number : 2 * number + 2])


def test_step_adds_up_over_the_devices_in_the_memory_of_the_state_before():
    engine = make_engine("mirrored")
    placed = engine.place([make_batch()])
    program = engine._train.lower(engine._state, placed).compile().as_text()
    assert "all-reduce" in program
    before = engine._state["trainable"][0]
    engine.train_steps(placed)
    assert before.is_deleted()
    assert engine._state["trainable"][0].is_fully_replicated


def test_steps_of_one_shape_are_compiled_once():
    engine = make_engine("mirrored")
    for seed in range(3):
        train(engine, make_batch(seed=seed))
    assert engine._train._cache_size() == 1


def test_evaluation_gives_the_rows_of_all_devices_in_their_order_with_their_labels():
    batch, model = make_batch(), build()
    one, two = (make_engine(name, model).evaluate_step(batch) for name in ("single", "mirrored"))
    np.testing.assert_allclose(two["outputs"]["logits"], one["outputs"]["logits"], rtol=1e-6)
    assert two["terms"]["error"] == pytest.approx(one["terms"]["error"], rel=1e-6)
    assert two["weights"]["error"] == one["weights"]["error"] == batch["weight"].sum()
    for name in ("targets", "weight"):
        np.testing.assert_array_equal(two["labels"][name], batch[name])


def test_each_device_computes_its_rows_of_what_is_predicted():
    found = []

    def doubled(batch):
        jax.debug.inspect_array_sharding(batch["x"], callback=found.append)
        return 2 * batch["x"]

    batch = {"x": make_batch()["x"]}
    twice = devices.here("mirrored").forward(build(), doubled, True)(batch)
    np.testing.assert_array_equal(twice, 2 * batch["x"])
    assert [sharding.shard_shape((4, 3)) for sharding in found] == [(2, 3)]


def test_precision_is_that_of_the_program():
    with precision.scope("mixed_bfloat16"):
        engine = make_engine("single")
    placed = engine.place([make_batch()])
    assert "bf16" in engine._train.lower(engine._state, placed).as_text()
    assert engine.state()["model"]["linear/kernel"].dtype == np.float32
    with precision.scope("float64"):
        engine = make_engine("single")
        train(engine, make_batch())
        assert engine.state()["model"]["linear/kernel"].dtype == np.float64
        half = keras.ops.convert_to_tensor(np.array([1, 1 + 2**-40]))
        assert float(keras.ops.var(half)) > 0
    assert not jax.config.jax_enable_x64
    assert keras.backend.result_type("float64", "float32") == "float32"


def test_keras_that_cannot_compute_in_float64_is_refused(monkeypatch):
    monkeypatch.setattr(jax_precision, "dtypes", object())
    with (
        pytest.raises(InputError, match="precision=float64: Keras .* computes in float32 on JAX"),
        precision.scope("float64"),
    ):
        raise AssertionError("not reached")
    assert not jax.config.jax_enable_x64


def test_devices_are_as_asked_for_and_said():
    single, mirrored, chosen = (
        devices.connect(Runtime(strategy=name)) for name in ("single", "mirrored", "auto")
    )
    assert (single.strategy, single.num_replicas) == ("single", 1)
    assert (mirrored.strategy, mirrored.num_replicas) == ("mirrored", 2)
    assert (chosen.strategy, chosen.num_replicas) == ("mirrored", 2)
    assert (single.host, single.num_hosts, single.exchange(7)) == (0, 1, [7])
    assert single.describe().startswith("JAX on CPU (")
    assert mirrored.describe().startswith("JAX on 2 CPU devices (")
    assert chosen.describe() == f"{mirrored.describe()}, strategy mirrored"
    assert min(single.num_threads().values()) >= 1


def test_gpu_that_jax_does_not_find_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(accelerators, "_NVIDIA_DRIVER", tmp_path)
    found = devices.connect(Runtime(strategy="single")).describe()
    assert found.endswith("NVIDIA driver, but JAX found no GPU: install the extra `jax-cuda`")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "tpu"}, "strategy=tpu: JAX found no TPU, but 2 CPU devices .*jax-tpu"),
        ({"strategy": "multiworker"}, "strategy=multiworker: this process is the only one; give"),
        ({"tpu": "my-tpu"}, "tpu=my-tpu: JAX runs on the hosts of a TPU themselves"),
        ({"require_accelerator": True}, "require_accelerator: there is none; 2 CPU devices"),
    ],
)
def test_what_is_not_there_is_refused(monkeypatch, settings, message):
    def fail(*given):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", fail)
    with pytest.raises(InputError, match=message):
        devices.connect(Runtime(**settings))


@pytest.mark.parametrize("name", ["single", "mirrored"])
def test_strategies_of_one_process_are_refused_in_one_of_several(monkeypatch, name):
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    with pytest.raises(InputError, match=f"strategy={name} is for one process, and there are 4"):
        devices.connect(Runtime(strategy=name))
    assert devices.connect(Runtime()).strategy == "multiworker"


def test_processes_are_found_in_the_environment_of_slurm_and_cloud_tpus(monkeypatch):
    joined = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *given: joined.append(given))
    slurm = dict.fromkeys(jax_devices._SLURM, "1")
    for environment, several in (
        ({}, False),
        (slurm, False),
        (slurm | {"SLURM_NTASKS": "2"}, True),
        ({"SLURM_NTASKS": "2"}, False),  # A batch script that is no task of srun.
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, False),
        ({"TPU_WORKER_HOSTNAMES": "host-0,host-1"}, True),
    ):
        with monkeypatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            joined.clear()
            devices.connect(Runtime())
        assert joined == [()] * several, environment
    devices.connect(Runtime(coordinator="host:1", num_processes=2, process_id=1))
    assert joined[-1] == ("host:1", 2, 1)
    with pytest.raises(InputError, match="found no TPU"):
        devices.connect(Runtime(strategy="tpu"))
    assert joined[-1] == ()  # The metadata of a Cloud TPU may say more than the environment.


def test_processes_that_cannot_be_joined_are_told_so_in_one_line(monkeypatch):
    def fail(*given):
        raise RuntimeError("deadline\nexceeded")

    monkeypatch.setattr(jax.distributed, "initialize", fail)
    with pytest.raises(InputError, match="could not be joined: deadline exceeded; every one needs"):
        devices.connect(Runtime(coordinator="host:1", num_processes=2, process_id=1))


def test_jit_cannot_be_off():
    connected = devices.connect(Runtime())
    assert connected.use_jit("auto", 1)
    assert connected.use_jit("on", 1, gains_on_cpu=False)
    with pytest.raises(InputError, match="jit=off: JAX always compiles its steps; leave jit out"):
        connected.use_jit("off", 1)


def test_end_of_another_host_is_told_as_what_it_is(monkeypatch):
    connected = devices.connect(Runtime())
    gone = ValueError("UNKNOWN: Gloo AllGather failed: [pair.cc:538] Connection reset by peer")
    with pytest.raises(ValueError, match="Gloo AllGather"), connected.watching_hosts():
        raise gone  # There is no other one.
    connected.num_hosts = 2
    for error in (gone, jax.errors.JaxRuntimeError("UNAVAILABLE: Socket closed")):
        with pytest.raises(HostLost, match="^another host of this"), connected.watching_hosts():
            raise error
    # Mistakes, and bugs.
    for error in (InputError("unavailable"), ValueError("shapes differ"), TypeError("gloo")):
        with pytest.raises(type(error)) as kept, connected.watching_hosts():
            raise error
        assert kept.value is error


def test_a_host_is_missed_soon(monkeypatch):
    given = {}

    def initialize(*where, heartbeat_timeout_seconds=100):
        given["timeout"] = heartbeat_timeout_seconds

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    devices.connect(Runtime(coordinator="host:1", num_processes=2, process_id=1))
    assert given == {"timeout": 30}
