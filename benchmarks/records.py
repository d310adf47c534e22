"""Speed and memory of writing and reading records, beside what people write with TensorFlow.

python benchmarks/records.py                     (about ten minutes; results/records.json)
python benchmarks/records.py --examples=20000    (a quick look; prints, keeps no file)

Writing: the same columns as the same bytes, by `ShardWriter` and by a loop over `tf.train.Example`
with deterministic serialisation and `TFRecordWriter`. Reading: shuffled batches of packed bytes,
half of them reverse-complemented, as handed to the device, against `tf.data` with one
`parse_single_example` and `one_hot` per example (bases as uint8, no shuffle, no reverse
complement). The two take turns; ratios are medians over these pairs with a 95% bootstrap interval.
Memory: peak resident bytes of a process of its own that writes or reads so many examples.
"""

import argparse
import hashlib
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from measure import machine, median_with_interval, peak_bytes, report

from tfrecords.manifest import Manifest
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema
from tfrecords.sequence import packed_width
from tfrecords.writer import ShardWriter, shard_file

LENGTH = 200
BATCH_SIZE = 512
FULL_SIZE = 1_000_000
REFERENCE_SHARE = 5  # tf.data reads one example in so many: its rate needs no more.
RESULTS = pathlib.Path(__file__).parent / "results" / "records.json"
NIBBLES = np.array([8, 4, 2, 1], np.uint8)
SCHEMA = Schema(
    (
        Feature("row", "int64", ()),
        Feature("sequence", "uint8", (packed_width(LENGTH),), bases=LENGTH),
        Feature("targets", "float32", (1,)),
    )
)


def main() -> None:
    """Runs all measurements, prints them, and keeps those of full size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=FULL_SIZE)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peak-of", choices=sorted(PEAK_OF), help="internal: one process")
    parser.add_argument("--folder", type=pathlib.Path, help="internal")
    options = parser.parse_args()
    if options.peak_of:
        PEAK_OF[options.peak_of](options.folder, options.examples)
        print(peak_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        results = measure(pathlib.Path(folder), options.examples, options.pairs)
    report(results, RESULTS, keep=options.examples == FULL_SIZE)


def measure(folder: pathlib.Path, examples: int, pairs: int) -> dict:
    """Returns all results."""
    import tensorflow as tf  # Not above: the processes whose memory is measured do without.

    versions = {"numpy": np.__version__, "tensorflow": tf.__version__}
    return {
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions},
        "examples": examples,
        "bases": LENGTH,
        "bytes_per_example": SCHEMA.stride,
        "memory": measure_memory(folder, examples),
        "write": measure_writing(folder, examples, pairs),
        "read": measure_reading(folder, examples, pairs),
    }


def measure_writing(folder: pathlib.Path, examples: int, pairs: int) -> dict:
    """Times the writer against the loop, and checks that they write the same bytes."""
    columns = next(blocks(examples, examples))
    ours, theirs = folder / "ours", folder / "theirs"
    digests = set()

    def compare_and_remove() -> None:
        # A file that replaces another waits for the disk, so each is written anew.
        for path in (ours, theirs):
            digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
            path.unlink()

    result = compare(
        lambda: write_shard(ours, [columns]),
        lambda: write_with_tensorflow(theirs, columns),
        pairs,
        after_each=compare_and_remove,
    )
    if len(digests) > 1:
        raise RuntimeError("the two files differ")
    return as_rates(result, examples, examples)


def measure_reading(folder: pathlib.Path, examples: int, pairs: int) -> dict:
    """Times an epoch whose records are verified for the first time, and one after it."""
    write_dataset(folder, examples)
    reference = folder / "reference"
    reference_examples = examples // REFERENCE_SHARE
    write_indices(reference, reference_examples)

    def open_batches() -> Iterator[dict]:
        return Dataset(folder).split("train").train_batches(0, batch_size=BATCH_SIZE, seed=0)

    verified = open_batches()
    kinds = {
        "first_epoch_all_checksums": lambda: read_epoch(open_batches(), examples),
        "later_epochs": lambda: read_epoch(verified, examples),
    }
    return {"batch_size": BATCH_SIZE} | {
        kind: as_rates(
            compare(read, lambda: read_with_tensorflow(reference), pairs),
            examples,
            reference_examples,
        )
        for kind, read in kinds.items()
    }


def measure_memory(folder: pathlib.Path, examples: int) -> dict:
    """Returns the peak of fresh processes at two sizes, and what an example more adds to it."""
    sizes = (examples, 4 * examples)
    results = {}
    for kind in ("write", "read"):
        peaks = []
        for size in sizes:
            place = folder / f"memory_{size}"
            place.mkdir(exist_ok=True)
            command = [sys.executable, __file__, f"--peak-of={kind}", f"--folder={place}"]
            run = subprocess.run(
                [*command, f"--examples={size}"], check=True, capture_output=True, text=True
            )
            peaks.append(int(run.stdout))
        results[kind] = {
            "peak_bytes": dict(zip(map(str, sizes), peaks, strict=True)),
            "bytes_per_further_example": round((peaks[1] - peaks[0]) / (sizes[1] - sizes[0]), 2),
        }
    return results


def blocks(examples: int, size: int) -> Iterator[dict[str, np.ndarray]]:
    """Yields random columns, `size` rows at a time."""
    for start in range(0, examples, size):
        rows = np.arange(start, min(examples, start + size))
        rng = np.random.default_rng(start)
        pairs = rng.integers(0, 16, (len(rows), packed_width(LENGTH)), dtype=np.uint8)
        yield {
            "row": rows,
            "sequence": NIBBLES[pairs >> 2] << 4 | NIBBLES[pairs & 3],
            "targets": rng.integers(0, 2, (len(rows), 1)).astype(np.float32),
        }


def write_shard(path: pathlib.Path, batches: Iterator[dict] | list[dict]) -> ShardWriter:
    """Writes one shard."""
    with ShardWriter(path, SCHEMA) as writer:
        for columns in batches:
            writer.write(columns)
    return writer


def write_dataset(folder: pathlib.Path, examples: int) -> None:
    """Writes a dataset of one split in one shard, in flat memory."""
    path = folder / shard_file("bench", "train", 0, 1)
    shard = write_shard(path, blocks(examples, 1 << 16)).shard
    Manifest("bench", SCHEMA, {"train": (shard,)}, ("label",)).save(folder)


def read_dataset(folder: pathlib.Path, examples: int) -> None:
    """Reads two epochs of training batches and one of evaluation."""
    split = Dataset(folder).split("train")
    batches = split.train_batches(0, batch_size=BATCH_SIZE, seed=0)
    for _ in range(2):
        read_epoch(batches, examples)
    for _ in split.eval_batches(BATCH_SIZE):
        pass


def read_epoch(batches: Iterator[dict], examples: int) -> None:
    """Takes as many batches as an epoch has."""
    for _ in range(examples // BATCH_SIZE):
        next(batches)


def write_with_tensorflow(path: pathlib.Path, columns: dict[str, np.ndarray]) -> None:
    """Writes a shard as TensorFlow's guide does, one example at a time."""
    import tensorflow as tf

    def feature(value: np.ndarray) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.tobytes()]))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in range(len(columns["row"])):
            fields = {name: feature(values[row]) for name, values in columns.items()}
            example = tf.train.Example(features=tf.train.Features(feature=fields))
            writer.write(example.SerializeToString(deterministic=True))


def write_indices(path: pathlib.Path, examples: int) -> None:
    """Writes examples as `read_with_tensorflow` reads them: a base is a number from 0 to 3."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    target = tf.train.Feature(float_list=tf.train.FloatList(value=[1.0]))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for bases in rng.integers(0, 4, (examples, LENGTH), dtype=np.uint8):
            sequence = tf.train.Feature(bytes_list=tf.train.BytesList(value=[bases.tobytes()]))
            features = tf.train.Features(feature={"sequence": sequence, "target": target})
            writer.write(tf.train.Example(features=features).SerializeToString())


def read_with_tensorflow(path: pathlib.Path) -> None:
    """Reads batches of one-hot sequences through an ordinary pipeline, on all cores."""
    import tensorflow as tf

    features = {
        "sequence": tf.io.FixedLenFeature((), tf.string),
        "target": tf.io.FixedLenFeature((1,), tf.float32),
    }

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(record, features)
        bases = tf.ensure_shape(tf.io.decode_raw(example["sequence"], tf.uint8), (LENGTH,))
        return tf.one_hot(bases, 4), example["target"]

    dataset = tf.data.TFRecordDataset(str(path)).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    for _ in dataset.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE):
        pass


def compare(
    ours: Callable, theirs: Callable, pairs: int, after_each: Callable = lambda: None
) -> dict[str, list[float]]:
    """Returns the seconds of each, taken in turns after a first pair that does not count."""
    times = {"ours": [], "theirs": [], "ours_cpu": [], "theirs_cpu": []}
    for _ in range(pairs + 1):
        for name, call in (("ours", ours), ("theirs", theirs)):
            start, start_cpu = time.perf_counter(), time.process_time()
            call()
            times[name].append(time.perf_counter() - start)
            times[name + "_cpu"].append(time.process_time() - start_cpu)
        after_each()
    return {name: values[1:] for name, values in times.items()}


def as_rates(times: dict[str, list[float]], ours: int, theirs: int) -> dict:
    """Returns examples per second of both, and their ratio; of ours also per second of one core.

    The last says what a machine that others use at the same time would do if it were idle.
    """
    our_rates, their_rates = ours / np.array(times["ours"]), theirs / np.array(times["theirs"])
    return {
        "examples_per_second": median_with_interval(our_rates),
        "reference_examples_per_second": median_with_interval(their_rates),
        "ratio": median_with_interval(our_rates / their_rates),
        "examples_per_cpu_second": median_with_interval(ours / np.array(times["ours_cpu"])),
    }


PEAK_OF = {"write": write_dataset, "read": read_dataset}

if __name__ == "__main__":
    main()
