"""Training speed of the models that learn without labels, and what hiding and varying DNA costs.

python benchmarks/self_supervised.py                        (minutes; results/self_supervised.json)
python benchmarks/self_supervised.py --preset=tiny --steps=1 --rounds=2         (a quick look)

Steps of `mlm` (windows of 256 bp, batches of 64) and `contrastive` (100 bp, 256) on random DNA.
Tokens a second are bases that pass through the encoder; of a contrastive window both views do. The
share of the roof is FLOPs of matrix products and convolutions a second, over those of a float32
matmul of 2048 x 2048 in the same rounds. `prepare` is what goes before the network and is not it:
unpacking, shifting, and hiding bases or varying windows; compiled by itself, its time over that of
a step. `two` shares contrastive batches between two logical CPUs, each of whose windows is told
from those of the other as well. All take turns; ratios are medians over the rounds with a 95%
bootstrap interval.
"""

import argparse
import importlib.metadata
import pathlib
import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from measure import machine, median_with_interval, report, seconds

from genokeras.models import spec as specs
from genokeras.training import optimizer as optimizers
from genokeras.training.devices import Devices, connect
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train import recipe
from genokeras.training.train_config import plan

FULL = {"preset": "small", "steps": 5, "rounds": 9}
RESULTS = pathlib.Path(__file__).parent / "results" / "self_supervised.json"
BASES, BATCH_SIZE = {"mlm": 256, "contrastive": 100}, {"mlm": 64, "contrastive": 256}
VIEWS = {"mlm": 1, "contrastive": 2}
ROOF = 2048


class Contestant(NamedTuple):
    """A step of training, what goes before the network in it, and the step's FLOPs."""

    step: Callable[[], Any]
    prepare: Callable[[], Any]
    flops: float
    tokens: int


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in FULL.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    options = vars(parser.parse_args())
    report(measure(**options), RESULTS, keep=options == FULL)


def measure(preset: str, steps: int, rounds: int) -> dict:
    """Returns all results."""
    computer = machine()
    (cpu,) = tf.config.list_physical_devices("CPU")
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, logical)
    one, two = (connect(Runtime(strategy=name)) for name in ("single", "mirrored"))
    contestants = {name: build(one, name, preset) for name in BASES}
    calls = {name: found.step for name, found in contestants.items()}
    calls |= {f"{name}_prepare": found.prepare for name, found in contestants.items()}
    calls |= {"contrastive_two": build(two, "contrastive", preset).step, "roof": roof()}
    found = {name: np.array(times) for name, times in take_turns(calls, steps, rounds).items()}
    peak = 2 * ROOF**3 / found["roof"]
    results: dict[str, Any] = {}
    for name, contestant in contestants.items():
        share = contestant.flops / found[name] / peak
        results[name] = {
            "bases": BASES[name],
            "batch_size": BATCH_SIZE[name],
            "tokens_per_second": median_with_interval(contestant.tokens / found[name]),
            "share_of_roof": median_with_interval(share),
            "share_of_prepare": median_with_interval(found[f"{name}_prepare"] / found[name]),
        }
    ratio = found["contrastive"] / found["contrastive_two"]
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy")}
    return {
        "machine": computer,
        "versions": versions | {"python": platform.python_version(), "tensorflow": tf.__version__},
        "preset": preset,
        "steps": steps,
        "rounds": rounds,
        "roof_gigaflops": median_with_interval(peak / 1e9),
        "models": results,
        "contrastive two/one": median_with_interval(ratio),
    }


def take_turns(
    calls: dict[str, Callable[[], Any]], steps: int, rounds: int
) -> dict[str, list[float]]:
    """Returns seconds per call in every round; one round before them compiles."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            took = seconds(lambda call=call: [call() for _ in range(steps)]) / steps
            if number > 0:
                times[name].append(took)
    return times


def build(devices: Devices, name: str, preset: str) -> Contestant:
    """Returns a model's step, as training makes it without further flags."""
    module, config = specs.load(name), specs.preset(name, preset)
    size = BATCH_SIZE[name]
    spec = specs.Spec(BASES[name], (), "unlabelled", base_composition=(0.25,) * 4)
    training = recipe(name, preset, steps=100, batch_size=size)
    with devices.scope():
        model = module.build(config, spec)
        optimizer = optimizers.build(training, plan(training, 100 * size), model)
        jit = devices.use_jit("auto", 100, getattr(module, "JIT_ON_CPU", True))
        engine = devices.engine(Learner(module, config, spec, model, optimizer, training), jit)
    batch = make_batch(spec, size)
    placed = engine.place([batch])
    tensors = {key: tf.constant(values) for key, values in batch.items()}

    @tf.function(jit_compile=jit)
    def prepared() -> dict[str, tf.Tensor]:
        return module.prepare(config, spec, tensors, True)

    return Contestant(
        step=lambda: keras.ops.convert_to_numpy(engine.train_steps(placed)["loss"]),
        prepare=lambda: keras.ops.convert_to_numpy(prepared()["sequence"]),
        flops=engine.flops_per_step(placed),
        tokens=VIEWS[name] * size * BASES[name],
    )


def make_batch(spec: specs.Spec, size: int) -> dict[str, np.ndarray]:
    """Returns random DNA."""
    rng = np.random.default_rng(0)
    nibbles = (1 << rng.integers(0, 4, (size, 2 * spec.packed_width))).astype(np.uint8)
    return {
        "sequence": nibbles[:, ::2] * 16 + nibbles[:, 1::2],
        "weight": np.ones((size, 1), np.float32),
        "key": rng.integers(0, 2**32, size, dtype=np.uint32),
    }


def roof() -> Callable[[], Any]:
    """Returns a float32 matmul, compiled."""
    square = tf.random.stateless_normal((ROOF, ROOF), (0, 0))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(square, square)))
    return lambda: product().numpy()


if __name__ == "__main__":
    main()
