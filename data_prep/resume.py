"""Which shards of a build are complete: what a build that was killed leaves to the next one."""

import dataclasses
import hashlib
import json
import pathlib
import shutil

from tfrecords.manifest import Shard


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
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256
