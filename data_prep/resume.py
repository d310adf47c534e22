"""Writes the shards of a plan, but for those that a build which was killed has left complete."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable

from data_prep.destination import Destination
from data_prep.plan import Plan
from data_prep.scratch import Scratch
from data_prep.shards import ShardRunner, ShardTask
from tfrecords.files import file_sha256
from tfrecords.manifest import Shard
from tfrecords.schema import Schema


def write_plan(
    plan: Plan,
    schema: Schema,
    scratch: Scratch,
    destination: Destination,
    *,
    runner: ShardRunner,
    progress: Callable | None,
) -> dict[str, tuple[Shard, ...]]:
    """Writes those shards of a plan that are not there yet; returns all of them, by split."""
    folder = destination.new
    finished = FinishedShards(folder, destination.building / "finished.jsonl", plan.digest)
    tasks = [
        ShardTask(
            folder / shard.file,
            schema,
            scratch,
            plan.order,
            shard.start,
            shard.stop,
            plan.compression,
            plan.strand_pairs,
            plan.cut_sites,
        )
        for shard in plan.shards
        if shard.file not in finished.shards
    ]
    done = sum(shard.num_examples for shard in finished.shards.values())
    bar = progress("Writing examples", plan.num_examples, done) if progress else None

    def note(shard: Shard) -> None:
        finished.add(shard)
        if bar:
            bar.update(shard.num_examples)

    try:
        runner(tasks, note)
    finally:
        if bar:
            bar.close()
    shards: dict[str, tuple[Shard, ...]] = {}
    for planned in plan.shards:
        shards[planned.split] = (*shards.get(planned.split, ()), finished.shards[planned.file])
    return shards


class FinishedShards:
    """The complete shards in a building folder, noted in a file beside them as they are done.

    Args:
        folder: Where the shards are.
        journal: The file with the notes; its first line is the digest of the plan.
        digest: Of the plan. Shards of any other plan are thrown away.
    """

    def __init__(self, folder: pathlib.Path, journal: pathlib.Path, digest: str):
        self._journal = journal
        lines = journal.read_text().splitlines() if journal.exists() else []
        if lines[:1] == [digest]:
            noted = [_shard(line) for line in lines[1:]]
            self.shards = {
                shard.file: shard for shard in noted if shard and _is_whole(folder, shard)
            }
        else:
            self.shards = {}
            shutil.rmtree(folder)
            folder.mkdir()
        # Written anew, so that a line cut short is gone.
        with journal.open("w") as file:
            file.write(f"{digest}\n")
        for shard in self.shards.values():
            self._note(shard)

    def add(self, shard: Shard) -> None:
        """Notes a shard that has just been written."""
        self.shards[shard.file] = shard
        self._note(shard)

    def _note(self, shard: Shard) -> None:
        with self._journal.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(shard)) + "\n")


def _shard(line: str) -> Shard | None:
    try:
        return Shard(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _is_whole(folder: pathlib.Path, shard: Shard) -> bool:
    path = folder / shard.file
    return path.is_file() and file_sha256(path) == shard.sha256
