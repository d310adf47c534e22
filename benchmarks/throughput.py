"""Training speed of preset `conv_v2`: records to weights, beside three peers on arrays in memory.

python benchmarks/throughput.py --peers=.venv/peers      (four minutes; results/throughput.json)
python benchmarks/throughput.py --peers= --rounds=2 --examples=2048      (a quick look, no file)

`genokeras.training.train.train` reads and turns records, makes steps and logs them. Beside it, in
processes of their own: `model.fit` of the same network in Keras's own layers, PyTorch in eager mode
and a jitted Flax step, each in its own environment (`make bench-peers`) and each with float one-hot
arrays in memory, sliced by a permutation. All have as many parameters, start from the same weights
and lose the same, to 1e-4, in the first three steps without dropout; that is checked first. They
take turns, one round each; ratios are medians over these rounds with a 95% bootstrap interval. So
does a float32 matmul of 2048 x 2048, whose best rate is the roof. FLOPs of a step are counted by
hand: two per multiplication and addition of convolutions and dense layers, forwards once and
backwards twice, but once for the first layer, whose input needs no gradient.
"""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
from measure import machine, median_with_interval, report, seconds
from peers.rounds import DENSE_UNITS, FILTERS, KERNEL_SIZE

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable
from tfrecords import sequence
from tfrecords.reader import Dataset

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results" / "throughput.json"
FULL_SIZE, FULL_ROUNDS = 16_384, 7
OURS, PRESET = "genokeras", "conv_v2"
# Who takes part: the script, and which environment of `--peers` runs it (None: the project's own).
CONTESTANTS = {
    OURS: ("genokeras_train.py", None),
    "keras_fit": ("keras_fit.py", None),
    "torch_eager": ("torch_eager.py", "torch"),
    "flax_jit": ("flax_jit.py", "flax"),
}
# Sizes of a sequence and of a batch, and steps of a round: about half a second of ours.
SETTINGS = {(101, 32): 200, (101, 512): 12, (200, 32): 100, (200, 512): 6}
LOSS_TOLERANCE = 1e-4
MATMUL_SIZE = 2048


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size with all peers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--peers", default=".venv/peers", help="folder of environments; empty: only Keras's own"
    )
    parser.add_argument("--examples", type=int, default=FULL_SIZE)
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    parser.add_argument("--steps", type=int, help="of a round; default: about half a second")
    parser.add_argument("--only", type=int, nargs=2, help="bases and batch size; default: all")
    options = parser.parse_args()
    names = [name for name, (_, peer) in CONTESTANTS.items() if options.peers or peer is None]
    interpreters = {name: interpreter(options.peers, name) for name in names}
    results = {"machine": machine(), "python": platform.python_version(), "preset": PRESET}
    results |= {"examples": options.examples, "rounds": options.rounds, "settings": []}
    settings = [tuple(options.only)] if options.only else list(SETTINGS)
    for bases, batch_size in settings:
        steps = options.steps or SETTINGS[bases, batch_size]
        sizes = {"batch_size": batch_size, "round_steps": steps}
        with tempfile.TemporaryDirectory() as folder:
            write_data(pathlib.Path(folder), options.examples, bases)
            measured = compete(pathlib.Path(folder), interpreters, options.rounds, **sizes)
        results["settings"].append({"bases": bases, **sizes, **summarise(bases, **measured)})
    is_whole = len(names) == len(CONTESTANTS) and not (options.only or options.steps)
    report(results, RESULTS, keep=is_whole and options.examples == FULL_SIZE)


def interpreter(peers: str, name: str) -> str:
    """Returns the Python that runs a contestant."""
    environment = CONTESTANTS[name][1]
    if environment is None:
        return sys.executable
    path = pathlib.Path(peers) / environment / "bin" / "python"
    if not path.exists():
        raise SystemExit(f"{path}: no such environment; `make bench-peers` makes it")
    return str(path)


def write_data(folder: pathlib.Path, examples: int, bases: int) -> None:
    """Writes random sequences and labels as a dataset, and as the arrays of the peers."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (examples, bases))]
    rows = (f"{row.tobytes().decode()},{row[0] % 2}\n" for row in letters)
    (folder / "train.csv").write_text("sequence,label\n" + "".join(rows))
    build_dataset(CsvTable({"train": folder / "train.csv"}), folder / "data", "bench")
    split = Dataset(folder / "data").split("train")
    stored = split.read(np.arange(examples))
    np.save(folder / "one_hot.npy", sequence.unpack(stored["sequence"], bases).astype(np.float32))
    np.save(folder / "targets.npy", stored["targets"])


def compete(
    folder: pathlib.Path,
    interpreters: dict[str, str],
    rounds: int,
    batch_size: int,
    round_steps: int,
) -> dict:
    """Lets the contestants take turns; returns what they said, and their seconds per example."""
    sizes = [f"--batch_size={batch_size}", f"--round_steps={round_steps}", f"--rounds={rounds + 1}"]
    multiply = matmul()
    with contextlib.ExitStack() as stack:
        processes, said = {}, {}
        for name, python in interpreters.items():
            command = [python, HERE / "peers" / CONTESTANTS[name][0], folder, *sizes]
            processes[name] = stack.enter_context(contestant(command))
            said[name] = listen(processes[name])
        check_same(said)
        took: dict[str, list[dict]] = {name: [] for name in interpreters}
        roof = []
        for _ in range(rounds + 1):
            for name, process in processes.items():
                process.stdin.write("\n")
                process.stdin.flush()
                took[name].append(listen(process))
            roof.append(min(seconds(multiply) for _ in range(5)))
        waited = listen(processes[OURS])["seconds_waited_per_step"]
    examples = batch_size * round_steps
    # The first round compiles.
    rates = {
        kind: {
            name: np.array([examples / one[kind] for one in ones[1:]])
            for name, ones in took.items()
        }
        for kind in ("seconds", "cpu_seconds")
    }
    return {
        "said": said,
        "rates": rates["seconds"],
        "cpu_rates": rates["cpu_seconds"],
        "roof": 2 * MATMUL_SIZE**3 / np.array(roof[1:]),
        "input_wait_fraction": np.array(waited[1:]) * rates["seconds"][OURS] / batch_size,
    }


@contextlib.contextmanager
def contestant(command: list) -> Iterator[subprocess.Popen]:
    """Starts a contestant; at the end it may finish, or is ended if something went wrong."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def listen(process: subprocess.Popen) -> dict:
    """Returns the next line of a contestant."""
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args[1]}: {process.communicate()[1][-3000:]}")
    return json.loads(line)


def check_same(said: dict[str, dict]) -> None:
    """Raises unless all contestants have the same network and lose the same."""
    for name, line in said.items():
        if line["parameters"] != said[OURS]["parameters"]:
            raise RuntimeError(f"{name} has another network: {line} and {said[OURS]}")
        if not np.allclose(line["losses"], said[OURS]["losses"], rtol=0, atol=LOSS_TOLERANCE):
            raise RuntimeError(f"{name} loses {line['losses']}, not {said[OURS]['losses']}")


def summarise(
    bases: int,
    said: dict[str, dict],
    rates: dict[str, np.ndarray],
    cpu_rates: dict[str, np.ndarray],
    roof: np.ndarray,
    input_wait_fraction: np.ndarray,
) -> dict:
    """Returns the results of one setting: `rates` in examples per second, `roof` in FLOPs."""
    flops = flops_per_example(bases)
    peers = [name for name in rates if name != OURS]
    return {
        "contestants": said,
        "examples_per_second": medians(rates),
        "examples_per_cpu_second": medians(cpu_rates),
        "times_as_fast_as": medians({name: rates[OURS] / rates[name] for name in peers}),
        "flops_per_example": flops,
        "matmul_gflops_per_second": median_with_interval(roof / 1e9),
        "share_of_matmul": medians({name: rate * flops / roof for name, rate in rates.items()}),
        "input_wait_fraction": median_with_interval(input_wait_fraction),
    }


def medians(values: dict[str, np.ndarray]) -> dict[str, dict]:
    """Returns the median of each, with its interval."""
    return {name: median_with_interval(numbers) for name, numbers in values.items()}


def flops_per_example(bases: int) -> int:
    """Returns the operations of a training step of `conv_v2` per example."""
    first = 2 * bases * KERNEL_SIZE * 4 * FILTERS
    second = 2 * (bases // 2) * KERNEL_SIZE * FILTERS * FILTERS
    widths = ((bases // 4) * FILTERS, *DENSE_UNITS, 1)
    dense = sum(2 * inputs * outputs for inputs, outputs in itertools.pairwise(widths))
    return 2 * first + 3 * (second + dense)


def matmul() -> Callable[[], object]:
    """Returns a product of matrices as TensorFlow computes it, on all cores."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf  # Here, so that its messages are off.

    matrix = tf.random.stateless_normal((MATMUL_SIZE, MATMUL_SIZE), (0, 0))
    return lambda: tf.matmul(matrix, matrix).numpy()


if __name__ == "__main__":
    main()
