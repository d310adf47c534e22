"""Training speed of the JAX engine, meant for a GPU: examples a second, and how much of it is used.

KERAS_BACKEND=jax python benchmarks/jax_gpu.py          (minutes on a GPU; results/jax_gpu.json)
KERAS_BACKEND=jax python benchmarks/jax_gpu.py --preset=tiny --steps=3 --rounds=1    (on a CPU)

It has not met a GPU yet. In bfloat16, `cnn_attention` on windows of 200 bp and `track` on windows
of 131 kb train on random batches, which a thread puts on the device while it computes, as in a run.
A round is so many steps of a model; the models take turns. Examples a second, the share of the
device's peak (MFU; null where the peak is not known) and the share of the time that steps waited
for their input are medians over the rounds with a 95% bootstrap interval.
"""

import argparse
import importlib.metadata
import itertools
import pathlib
import platform
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import keras
import numpy as np
from measure import machine, median_with_interval, report

from genokeras.models import spec as specs
from genokeras.training import devices, precision
from genokeras.training import optimizer as optimizers
from genokeras.training.accelerators import peak_flops
from genokeras.training.learner import Learner
from genokeras.training.prefetch import Prefetch
from genokeras.training.runtime import Runtime
from genokeras.training.train import recipe
from genokeras.training.train_config import plan

FULL_STEPS, FULL_ROUNDS, WARM_UP, POOL = 50, 7, 3, 8
PRECISION = "mixed_bfloat16"
RESULTS = pathlib.Path(__file__).parent / "results" / "jax_gpu.json"
TRACKS = tuple(f"track_{number}" for number in range(32))
# Model, preset, data and batch size of a full run.
FULL = {
    "cnn_attention_200bp": ("cnn_attention", "base", specs.Spec(200, ("bound",)), 2048),
    "track_131kb": (
        *("track", "long"),
        specs.Spec(131072, TRACKS, "coverage", bin_bp=128, crop_bp=8192),
        4,
    ),
}


class Contestant(NamedTuple):
    """A model's engine, some batches for it, and the FLOPs of one of its steps."""

    engine: devices.Engine
    batches: list[dict[str, np.ndarray]]
    flops: float


def main() -> None:
    """Runs all measurements, prints them, and keeps those of a full run on an accelerator."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=FULL_STEPS)
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    parser.add_argument("--preset", help="Of both models, instead of base and long.")
    parser.add_argument("--batch_size", type=int, help="Of both models, instead of 2048 and 4.")
    options = parser.parse_args()
    if keras.backend.backend() != "jax":
        parser.error("Keras does not run on JAX; set KERAS_BACKEND=jax")
    is_whole = (options.steps, options.rounds) == (FULL_STEPS, FULL_ROUNDS)
    is_whole &= not (options.preset or options.batch_size) and jax.default_backend() != "cpu"
    report(measure(options), RESULTS, keep=is_whole)


def measure(options: argparse.Namespace) -> dict:
    """Returns all results."""
    computer, found = machine(), devices.connect(Runtime(strategy="single"))
    contestants = {}
    for name, (model, preset, spec, size) in FULL.items():
        size = options.batch_size or (size if options.preset is None else 4)
        contestants[name] = prepare(found, model, options.preset or preset, spec, size)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, contestant in contestants.items():
            rounds[name].append(run(contestant, options.steps))
    return {
        "machine": computer,
        "device": found.describe(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "keras")}
        | {"python": platform.python_version()},
        "precision": PRECISION,
        "steps": options.steps,
        "rounds": options.rounds,
        "models": {
            name: {"batch_size": len(contestants[name].batches[0]["key"])} | summary(found_rounds)
            for name, found_rounds in rounds.items()
        },
    }


def prepare(
    found: devices.Devices, name: str, preset: str, spec: specs.Spec, size: int
) -> Contestant:
    """Returns a model whose step is compiled."""
    module, config = specs.load(name), specs.preset(name, preset)
    training = recipe(name, preset, steps=1000, batch_size=size, precision=PRECISION)
    with precision.scope(PRECISION):
        model = module.build(config, spec)
        optimizer = optimizers.build(training, plan(training, 1000 * size), model)
        engine = found.engine(Learner(module, config, spec, model, optimizer, training), True)
        batches = [make_batch(spec, size, seed) for seed in range(POOL)]
        placed = [engine.place([batch]) for batch in batches[:WARM_UP]]
        for batch in placed:
            results = engine.train_steps(batch)
        jax.block_until_ready(results)
        return Contestant(engine, batches, engine.flops_per_step(placed[0]))


def make_batch(spec: specs.Spec, size: int, seed: int) -> dict[str, np.ndarray]:
    """Returns random DNA with random labels, or counts."""
    rng = np.random.default_rng(seed)
    nibbles = (1 << rng.integers(0, 4, (size, 2 * spec.packed_width))).astype(np.uint8)
    if spec.num_bins:
        targets = rng.poisson(2.0, (size, spec.num_bins, spec.num_tasks))
    else:
        targets = rng.integers(0, 2, (size, spec.num_tasks))
    return {
        "sequence": nibbles[:, ::2] * 16 + nibbles[:, 1::2],
        "targets": targets.astype(np.float32),
        "weight": np.ones((size, spec.num_tasks), np.float32),
        "key": rng.integers(0, 2**32, size, dtype=np.uint32),
    }


def run(contestant: Contestant, steps: int) -> dict[str, Any]:
    """Makes steps; returns examples and FLOPs a second, and the share of the time waited."""
    engine, batches = contestant.engine, contestant.batches

    def endless() -> Iterator[list[dict[str, np.ndarray]]]:
        return ([batch] for batch in itertools.cycle(batches))

    with Prefetch(endless(), engine.place) as prefetch:
        jax.block_until_ready(engine.train_steps(next(prefetch)))
        waited, started = prefetch.seconds_waited, time.perf_counter()
        for _ in range(steps):
            results = engine.train_steps(next(prefetch))
        jax.block_until_ready(results)
        elapsed = time.perf_counter() - started
        waited = prefetch.seconds_waited - waited
    peak = peak_flops(jax.devices()[0].device_kind, PRECISION)
    flops = contestant.flops * steps / elapsed
    return {
        "examples_per_second": steps * len(batches[0]["key"]) / elapsed,
        "teraflops_per_second": flops / 1e12,
        "mfu": flops / peak if peak else None,
        "input_wait": waited / elapsed,
    }


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the median of each number over the rounds, with its interval."""
    columns = {name: [found[name] for found in rounds] for name in rounds[0]}
    return {
        name: None if None in values else median_with_interval(np.array(values))
        for name, values in columns.items()
    }


if __name__ == "__main__":
    main()
