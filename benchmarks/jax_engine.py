"""What the JAX engine adds to a step, measured with a model that computes nothing.

KERAS_BACKEND=jax python benchmarks/jax_engine.py         (half a minute; results/jax_engine.json)
KERAS_BACKEND=jax python benchmarks/jax_engine.py --steps=100 --rounds=2    (a look; keeps nothing)

The model has one weight and its logits are that weight. `bare` is what one would write for it by
hand: a jitted function of weight and batch that gives weight and loss. `engine` makes the same step
through `JaxEngine` (plain gradient descent), `engine_default` with what a run does by default
besides (AdamW, clipping, averaged weights), `engine_ten` makes ten of those in a call. They take
turns, so many steps a round; times are microseconds a step, differences medians over the rounds
with a 95% bootstrap interval. Beside the time by the clock stands that of the thread that calls:
steps of the engine are computed in another one, for which a busy machine makes it wait.
"""

import argparse
import importlib.metadata
import itertools
import pathlib
import platform
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from empty_model import MODULE, PLAIN, empty_model
from measure import machine, median_with_interval, report

from genokeras.models.spec import Spec
from genokeras.training import devices
from genokeras.training import optimizer as optimizers
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import TrainConfig, plan

SPEC, BATCH_SIZE, NUM_BATCHES, TOGETHER = Spec(101, ("label",)), 32, 20, 10
FULL_STEPS, FULL_ROUNDS = 1000, 15
RESULTS = pathlib.Path(__file__).parent / "results" / "jax_engine.json"

Call = Callable[[Any], Any]


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=FULL_STEPS)
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    options = parser.parse_args()
    if keras.backend.backend() != "jax":
        parser.error("Keras does not run on JAX; set KERAS_BACKEND=jax")
    is_whole = (options.steps, options.rounds) == (FULL_STEPS, FULL_ROUNDS)
    report(measure(options.steps, options.rounds), RESULTS, keep=is_whole)


def measure(steps: int, rounds: int) -> dict:
    """Returns all results."""
    computer = machine()
    contestants = make_contestants()
    clocks = {"": time.perf_counter, "of_calling_thread": time.thread_time}
    took = {clock: {name: [] for name in contestants} for clock in clocks}
    for _ in range(rounds + 1):
        for name, (call, placed, each) in contestants.items():
            before = {clock: read() for clock, read in clocks.items()}
            repeat(call, placed, steps // each)
            for clock, read in clocks.items():
                took[clock][name].append(1e6 * (read() - before[clock]) / steps)
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", "jax")}
    return {
        "machine": computer,
        "versions": versions | {"python": platform.python_version()},
        "devices": jax.devices()[0].device_kind,
        "batch_size": BATCH_SIZE,
        "steps": steps,
        "rounds": rounds,
    } | {
        "_".join(filter(None, (name, clock))): values
        for clock, columns in took.items()
        for name, values in summary(columns).items()
    }


def summary(took: dict[str, list[float]]) -> dict[str, dict]:
    """Returns medians, and those of the differences from `bare`; the first round compiles."""
    micros = {name: np.array(values[1:]) for name, values in took.items()}
    more = {name: values - micros["bare"] for name, values in micros.items() if name != "bare"}
    return {
        title: {name: median_with_interval(values) for name, values in columns.items()}
        for title, columns in (
            ("microseconds_per_step", micros),
            ("microseconds_more_than_bare", more),
        )
    }


def make_contestants() -> dict[str, tuple[Call, list[Any], int]]:
    """Returns, by name, what makes steps, what it is given in turn, and the steps of a call."""
    rng = np.random.default_rng(0)
    batches = [
        {
            "sequence": rng.integers(0, 256, (BATCH_SIZE, SPEC.packed_width), dtype=np.uint8),
            "targets": rng.integers(0, 2, (BATCH_SIZE, 1)).astype(np.float32),
            "weight": np.ones((BATCH_SIZE, 1), np.float32),
            "key": rng.integers(0, 2**32, BATCH_SIZE, dtype=np.uint32),
        }
        for _ in range(NUM_BATCHES)
    ]
    plain, usual, ten = make_engine(**PLAIN), make_engine(), make_engine()
    singles = [plain.place([batch]) for batch in batches]
    tens = [ten.place(batches[at : at + TOGETHER]) for at in range(0, NUM_BATCHES, TOGETHER)]
    return {
        "bare": (bare_step(), [jax.device_put(batch) for batch in batches], 1),
        "engine": (plain.train_steps, singles, 1),
        "engine_default": (usual.train_steps, singles, 1),
        "engine_ten": (ten.train_steps, tens, TOGETHER),
    }


def bare_step(learning_rate: float = 1.5e-3) -> Call:
    """Returns a step of gradient descent as one writes it by hand."""

    def loss_of(weight: Any, batch: dict[str, Any]) -> Any:
        logits = jnp.zeros_like(batch["targets"]) + weight
        targets = batch["targets"]
        costs = targets * jax.nn.softplus(-logits) + (1 - targets) * jax.nn.softplus(logits)
        return (costs * batch["weight"]).sum() / batch["weight"].sum()

    @jax.jit
    def step(weight: Any, batch: dict[str, Any]) -> tuple[Any, Any]:
        loss, gradient = jax.value_and_grad(loss_of)(weight, batch)
        return weight - learning_rate * gradient, loss

    state = [jnp.zeros(())]

    def call(batch: dict[str, Any]) -> Any:
        state[0], loss = step(state[0], batch)
        return loss

    return call


def make_engine(**changes: Any) -> devices.Engine:
    """Returns an engine for the model that computes nothing."""
    training = TrainConfig(steps=FULL_STEPS, batch_size=BATCH_SIZE, **changes)
    model = empty_model(SPEC)
    optimizer = optimizers.build(training, plan(training, FULL_STEPS * BATCH_SIZE), model)
    found = devices.connect(Runtime(strategy="single"))
    return found.engine(Learner(MODULE, None, SPEC, model, optimizer, training), True)


def repeat(call: Call, placed: list[Any], times: int) -> None:
    """Makes steps over batches that are on the device already, and waits for the last."""
    results = None
    for batch in itertools.islice(itertools.cycle(placed), times):
        results = call(batch)
    jax.block_until_ready(results)


if __name__ == "__main__":
    main()
