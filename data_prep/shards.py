"""The second pass of a build: rows in their final order into shards, on a pool of processes.

A shard is a range of the plan's `order`: row numbers of the scratch columns, `~row` for the
opposite strand of a row. What a shard holds depends on nothing else, so it does not matter which
process writes it, or when.
"""

import concurrent.futures
import multiprocessing
import os
import pathlib
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from data_prep.destination import UnfinishedError
from data_prep.scratch import Scratch
from tfrecords import strands
from tfrecords.cores import num_cores
from tfrecords.manifest import Shard
from tfrecords.schema import Schema
from tfrecords.writer import ShardWriter

# Rows come from all over the scratch files: the more at once, the fewer times a page is touched.
_BLOCK_BYTES = 32 << 20
# One process writes this much in about the time that it takes to start another.
_BYTES_PER_WORKER = 256 << 20


# Writes the shards of tasks, and calls back with each as it is done, in any order.
ShardRunner = Callable[[Sequence["ShardTask"], Callable[[Shard], None]], None]


@dataclass(frozen=True)
class ShardTask:
    """One shard to write: rows `start` to `stop` of `order`, from the columns of `scratch`."""

    path: pathlib.Path
    schema: Schema
    scratch: Scratch
    order: Scratch
    start: int
    stop: int
    compression: str
    strand_pairs: tuple[int, ...] | None = None
    cut_sites: tuple[int, ...] = ()


def write_shards(
    tasks: Sequence[ShardTask],
    when_done: Callable[[Shard], None],
    *,
    workers: int | None = None,
) -> None:
    """Writes shards on a pool of processes, and reports each as it is done.

    Args:
        tasks: The shards.
        when_done: Called with each shard, in any order.
        workers: Number of processes; one: all in this process. Default: one for each core, but
            no more than the amount of data is worth.

    Raises:
        UnfinishedError: A process was killed; the shards reported until then are complete.
    """
    if workers is None:
        num_bytes = sum((task.stop - task.start) * task.schema.stride for task in tasks)
        workers = min(num_cores(), 1 + num_bytes // _BYTES_PER_WORKER)
    workers = min(workers, len(tasks))
    if workers <= 1:
        for task in tasks:
            when_done(write_shard(task))
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), start_worker
    )
    try:
        for future in concurrent.futures.as_completed(pool.submit(write_shard, t) for t in tasks):
            when_done(future.result())
    except BrokenProcessPool:
        raise UnfinishedError(
            "a worker process ended early: out of memory (fewer --workers), or called from a "
            "script without `if __name__ == '__main__':`; the same command goes on"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def write_shard(task: ShardTask) -> Shard:
    """Writes one shard and returns its description."""
    order = task.order.read("order")
    stored = [name for name in task.schema.names if name in task.scratch.columns]
    columns = {name: task.scratch.read(name) for name in stored}
    block = max(1, _BLOCK_BYTES // task.schema.stride)
    with ShardWriter(task.path, task.schema, task.compression) as writer:
        for start in range(task.start, task.stop, block):
            rows = order[start : min(task.stop, start + block)]
            is_turned = rows < 0
            rows = np.where(is_turned, ~rows, rows)
            examples = {name: column[rows] for name, column in columns.items()}
            if "weight" in task.schema:
                is_missing = np.isnan(examples["targets"])
                examples["targets"][is_missing] = 0
                examples["weight"] = (~is_missing).astype(np.float32)
            turned = np.flatnonzero(is_turned)
            strands.turn(examples, turned, task.schema, task.strand_pairs, task.cut_sites)
            writer.write(examples)
    return writer.shard


def start_worker() -> None:
    """Lets a process end when its parent does, and not before: Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
