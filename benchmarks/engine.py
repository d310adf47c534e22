"""What the engine and the trainer add to a step, measured with a model that computes nothing.

python benchmarks/engine.py                            (half a minute; results/engine.json)
python benchmarks/engine.py --steps=100 --rounds=2     (a quick look; prints, keeps no file)

The model has one weight and its logits are that weight. `bare` is what one would write for it by
hand: a compiled `tf.function` with a gradient tape and an assignment. `engine` makes the same step
through the engine (plain gradient descent), `engine_default` with what a run does by
default besides (AdamW, clipping, averaged weights), and `trainer` runs that in `Trainer.fit`, which
reads records, hands batches over from a thread and logs. They take turns, so many steps a round;
times are microseconds a step, differences medians over the rounds with a 95% bootstrap interval.
"""

import argparse
import importlib.metadata
import itertools
import pathlib
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from empty_model import MODULE, PLAIN, empty_model
from measure import machine, median_with_interval, report, seconds

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable
from genokeras.models.spec import Spec
from genokeras.training import optimizer as optimizers
from genokeras.training.best_evaluation import best_evaluation
from genokeras.training.devices import Engine, connect
from genokeras.training.job import Job
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import TrainConfig, plan
from genokeras.training.trainer import Trainer
from tfrecords.reader import Dataset

DEVICES = connect(Runtime(strategy="single"))
LENGTH, BATCH_SIZE, EXAMPLES = 101, 32, 4096
FULL_STEPS, FULL_ROUNDS = 1000, 15
RESULTS = pathlib.Path(__file__).parent / "results" / "engine.json"


class Clock:
    """A progress bar that keeps the time of every step."""

    def __init__(self):
        self.times: list[float] = []

    def update(self, count: int, **shown: float) -> None:
        self.times.append(time.perf_counter())

    def close(self) -> None:
        """Nothing is to be closed."""


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=FULL_STEPS)
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options.steps, options.rounds)
    is_whole = (options.steps, options.rounds) == (FULL_STEPS, FULL_ROUNDS)
    report(results, RESULTS, keep=is_whole)


def measure(folder: pathlib.Path, steps: int, rounds: int) -> dict:
    """Returns all results."""
    computer = machine()
    dataset = write_data(folder)
    training = TrainConfig(steps=steps, eval_every=steps, batch_size=BATCH_SIZE)
    plain = TrainConfig(steps=steps, eval_every=steps, batch_size=BATCH_SIZE, **PLAIN)
    batches = dataset.split("train").train_batches(0, batch_size=BATCH_SIZE, seed=0)
    engines = {"engine": build(plain)[0], "engine_default": build(training)[0]}
    batches = list(itertools.islice(batches, 32))
    tensors = [{name: tf.constant(x) for name, x in batch.items()} for batch in batches]
    placed = [engines["engine"].place([batch]) for batch in batches]
    calls = {"bare": (bare_step(plain.learning_rate), tensors)}
    calls |= {name: (engine.train_steps, placed) for name, engine in engines.items()}
    engine, model = build(training)
    runs = (folder / f"run_{number}" for number in itertools.count())
    contestants: dict[str, Callable[[], float]] = {
        name: lambda call=call, given=given: seconds(lambda: repeat(call, given, steps)) / steps
        for name, (call, given) in calls.items()
    }
    contestants["trainer"] = lambda: fit(engine, model, training, dataset, next(runs))
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, contestant in contestants.items():
            took[name].append(1e6 * contestant())
    # The first round compiles.
    micros = {name: np.array(values[1:]) for name, values in took.items()}
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy")}
    versions |= {"python": platform.python_version(), "tensorflow": tf.__version__}
    return {
        "machine": computer,
        "versions": versions,
        "batch_size": BATCH_SIZE,
        "steps": steps,
        "rounds": rounds,
        "microseconds_per_step": {
            name: median_with_interval(values) for name, values in micros.items()
        },
        "microseconds_more_than_bare": {
            name: median_with_interval(values - micros["bare"])
            for name, values in micros.items()
            if name != "bare"
        },
    }


def bare_step(learning_rate: float) -> Callable[[dict], Any]:
    """Returns a step of gradient descent as one writes it by hand."""
    weight = tf.Variable(0.0)

    @tf.function(jit_compile=True)
    def step(batch: dict[str, Any]) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.zeros_like(batch["targets"]) + weight
            losses = tf.nn.sigmoid_cross_entropy_with_logits(batch["targets"], logits)
            loss = tf.reduce_mean(losses)
        weight.assign_sub(learning_rate * tape.gradient(loss, weight))
        return loss

    return step


def build(training: TrainConfig) -> tuple[Engine, keras.Model]:
    """Returns an engine for the model that computes nothing, and the model."""
    spec = Spec(LENGTH, ("label",))
    model = empty_model(spec)
    optimizer = optimizers.build(training, plan(training, EXAMPLES), model)
    return DEVICES.engine(Learner(MODULE, None, spec, model, optimizer, training), True), model


def repeat(call: Callable[[Any], Any], batches: list[Any], steps: int) -> None:
    """Makes steps over batches that are on the device already."""
    for batch in itertools.islice(itertools.cycle(batches), steps):
        call(batch)


def fit(
    engine: Engine,
    model: keras.Model,
    training: TrainConfig,
    dataset: Dataset,
    workdir: pathlib.Path,
) -> float:
    """Trains; returns the seconds a step, without the first, and the last, which saves."""
    workdir.mkdir()
    clock = Clock()
    steps = plan(training, EXAMPLES)
    job = Job(
        module=MODULE,
        model=model,
        spec=Spec(LENGTH, ("label",)),
        manifest=dataset.manifest,
        training=training,
        plan=steps,
        learning_rate=optimizers.schedule(training, steps),
        train=dataset.split("train"),
        valid=None,
        workdir=workdir,
        devices=DEVICES,
        loader="native",
        steps_to_trace=None,
        progress=lambda description, total, completed: clock,
        log=lambda line: None,
    )
    Trainer(job, engine, best_evaluation(training, "binary", ["loss"])).fit()
    times = clock.times[:-1]
    return (times[-1] - times[0]) / (len(times) - 1)


def write_data(folder: pathlib.Path) -> Dataset:
    """Builds a dataset of random sequences."""
    rng = np.random.default_rng(0)
    path = folder / "train.csv"
    path.write_text("sequence,label\n" + "".join(rows(rng)))
    build_dataset(CsvTable({"train": path}), folder / "data", "bench")
    return Dataset(folder / "data")


def rows(rng: np.random.Generator) -> Iterator[str]:
    """Yields the rows of a table."""
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (EXAMPLES, LENGTH))]
    for number, row in enumerate(letters):
        yield f"{row.tobytes().decode()},{number % 2}\n"


if __name__ == "__main__":
    main()
