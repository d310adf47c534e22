"""What two devices, XLA and 16-bit numbers give to the training steps of a whole network.

python benchmarks/replicas.py                        (five minutes; results/replicas.json)
python benchmarks/replicas.py --steps=1 --rounds=2   (a quick look; prints, keeps no file)

Steps of preset `fast` (with layer norm, so that XLA can compile it on several devices too) on
random sequences, with the same global batch for all. `two` shares it between two logical CPUs of
TensorFlow under MirroredStrategy: on two cores they have no more to compute with than `one`, so
their rate beside that of `one` is what sharing costs. `jit` is compiled with XLA, `bf16` computes
with precision=mixed_bfloat16. They take turns, so many steps a round; ratios are medians over the
rounds with a 95% bootstrap interval.
"""

import argparse
import dataclasses
import importlib.metadata
import pathlib
import platform
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from measure import machine, median_with_interval, report, seconds

from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.training import optimizer as optimizers
from genokeras.training import precision
from genokeras.training.devices import Devices, connect
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import TrainConfig, plan
from tfrecords import sequence

PRESET, LENGTH = "fast", 101
FULL_BATCH_SIZE, FULL_STEPS, FULL_ROUNDS = 256, 10, 9
WAYS = {
    "one": ("single", "float32", False),
    "two": ("mirrored", "float32", False),
    "one_jit": ("single", "float32", True),
    "two_jit": ("mirrored", "float32", True),
    "one_bf16": ("single", "mixed_bfloat16", False),
    "one_bf16_jit": ("single", "mixed_bfloat16", True),
}
RATIOS = (
    ("two", "one"),
    ("two_jit", "one_jit"),
    ("one_jit", "one"),
    ("one_bf16", "one"),
    ("one_bf16_jit", "one_jit"),
)
RESULTS = pathlib.Path(__file__).parent / "results" / "replicas.json"


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch_size", type=int, default=FULL_BATCH_SIZE)
    parser.add_argument("--steps", type=int, default=FULL_STEPS)
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    parser.add_argument("--ways", default=",".join(WAYS), help="Of them only so many.")
    options = parser.parse_args()
    ways = options.ways.split(",")
    results = measure(ways, options.batch_size, options.steps, options.rounds)
    sizes = (options.batch_size, options.steps, options.rounds)
    is_whole = sizes == (FULL_BATCH_SIZE, FULL_STEPS, FULL_ROUNDS) and ways == list(WAYS)
    report(results, RESULTS, keep=is_whole)


def measure(ways: list[str], batch_size: int, steps: int, rounds: int) -> dict:
    """Returns all results."""
    computer = machine()
    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, logical)
    devices = {name: connect(Runtime(strategy=name)) for name in ("single", "mirrored")}
    contestants = {}
    for way in ways:
        strategy, arithmetic, jit = WAYS[way]
        contestants[way] = build(devices[strategy], arithmetic, jit, batch_size)
    rates: dict[str, list[float]] = {way: [] for way in ways}
    # The first round compiles.
    for number in range(rounds + 1):
        for way, step in contestants.items():
            took = seconds(lambda step=step: [step() for _ in range(steps)])
            if number > 0:
                rates[way].append(batch_size * steps / took)
    arrays = {way: np.array(values) for way, values in rates.items()}
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy")}
    versions |= {"python": platform.python_version(), "tensorflow": tf.__version__}
    return {
        "machine": computer,
        "versions": versions,
        "preset": PRESET,
        "bases": LENGTH,
        "batch_size": batch_size,
        "steps": steps,
        "rounds": rounds,
        "examples_per_second": {
            way: median_with_interval(values) for way, values in arrays.items()
        },
        "ratio": {
            f"{way}/{other}": median_with_interval(arrays[way] / arrays[other])
            for way, other in RATIOS
            if way in arrays and other in arrays
        },
    }


def build(devices: Devices, arithmetic: str, jit: bool, batch_size: int) -> Callable[[], Any]:
    """Returns a step of training, which ends when its results are there."""
    config = dataclasses.replace(cnn_attention.PRESETS[PRESET], norm="layer")
    spec = Spec(LENGTH, ("label",))
    training = TrainConfig(steps=100, batch_size=batch_size, precision=arithmetic)
    with precision.scope(arithmetic), devices.scope():
        model = cnn_attention.build(config, spec)
        precision.check(model, arithmetic)
        built = optimizers.build(training, plan(training, 100 * batch_size), model)
        engine = devices.engine(Learner(cnn_attention, config, spec, model, built, training), jit)
    placed = engine.place([make_batch(batch_size)])

    def step() -> None:
        keras.ops.convert_to_numpy(engine.train_steps(placed)["loss"])

    return step


def make_batch(batch_size: int) -> dict[str, np.ndarray]:
    """Returns random sequences and labels."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (batch_size, LENGTH))]
    return {
        "sequence": sequence.encode([row.tobytes().decode() for row in letters], LENGTH),
        "targets": rng.integers(0, 2, (batch_size, 1)).astype(np.float32),
        "weight": np.ones((batch_size, 1), np.float32),
        "key": rng.integers(0, 2**32, batch_size, dtype=np.uint32),
    }


if __name__ == "__main__":
    main()
