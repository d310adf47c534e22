"""A build that is killed goes on where it was; its workers are light and do not outlive it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=12)


@pytest.fixture
def table(write, random_sequences):
    """Writes a table of random sequences with labels 0, 1, 0, 1, ..."""

    def make(num_rows, length):
        texts = random_sequences(num_rows, length)
        rows = [f"{text},{number % 2}" for number, text in enumerate(texts)]
        return write("all.csv", "\n".join(["sequence,label", *rows]) + "\n")

    return make


def all_bytes(data_dir):
    return {path.name: path.read_bytes() for path in data_dir.iterdir()}


KILLED = """
import json, multiprocessing, sys, time
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable

class Bar:
    def __init__(self, description, total, done=0):
        self.is_last = description.startswith(sys.argv[3])
        self.updates = 0
    def update(self, advance):
        self.updates += 1
        if self.is_last and self.updates == 3:
            workers = [child.pid for child in multiprocessing.active_children()]
            print(json.dumps(workers), flush=True)
            time.sleep(600)
    def close(self):
        pass

if __name__ == "__main__":
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=12)
    build_dataset(CsvTable(sys.argv[1]), sys.argv[2], "x", config=config, workers=2, progress=Bar)
"""


def kill_during(step, path, data_dir, script):
    """Kills a real build at its third piece of reading or writing; returns its workers."""
    script.write_text(KILLED)
    with subprocess.Popen(
        [sys.executable, str(script), str(path), str(data_dir), step],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        workers = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    return workers


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_killed_while_writing_it_goes_on(table, tmp_path):
    path, data_dir = table(2000, 21), tmp_path / "data"
    workers = kill_during("Writing", path, data_dir, tmp_path / "build.py")
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) == 2
    assert not any(map(is_running, workers)), "workers outlived their parent"
    assert not data_dir.exists()
    journal = (tmp_path / ".data.building" / "finished.jsonl").read_text().splitlines()
    noted = [json.loads(line)["file"] for line in journal[1:]]
    assert len(noted) >= 2
    shards = tmp_path / ".data.building" / "dataset"
    kept = {name: (shards / name).stat().st_ino for name in noted}
    started = []

    def progress(description, total, done=0):
        started.append((description, total, done))
        return type("Bar", (), {"update": lambda *_: None, "close": lambda _: None})()

    build_dataset(CsvTable(path), data_dir, "x", config=CONFIG, progress=progress)
    assert {name: (data_dir / name).stat().st_ino for name in noted} == kept
    assert started[-1] == ("Writing examples", 2000, 100 * len(noted))
    build_dataset(CsvTable(path), tmp_path / "undisturbed", "x", config=CONFIG)
    assert all_bytes(data_dir) == all_bytes(tmp_path / "undisturbed")
    assert not (tmp_path / ".data.building").exists()


def test_killed_while_reading_it_starts_again(table, tmp_path):
    path, data_dir = table(5000, 900), tmp_path / "data"
    assert kill_during("Reading", path, data_dir, tmp_path / "build.py") == []
    assert not data_dir.exists()
    build_dataset(CsvTable(path), data_dir, "x", config=CONFIG)
    build_dataset(CsvTable(path), tmp_path / "undisturbed", "x", config=CONFIG)
    assert all_bytes(data_dir) == all_bytes(tmp_path / "undisturbed")


def test_workers_import_no_framework():
    code = (
        "import sys, launch.build_dataset, data_prep.shards\n"
        "print({'tensorflow', 'keras', 'jax', 'torch', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


WORKER_KILLED = """
import os, signal, sys, time
from data_prep import shards
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError

write_shard = shards.write_shard

def killed_once_three_are_done(task):
    journal = task.path.parents[1] / "finished.jsonl"
    while task.path.name.endswith("00011-of-00012"):
        if len(journal.read_text().splitlines()) > 3:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
    return write_shard(task)

if __name__ == "__main__":
    shards.write_shard = killed_once_three_are_done
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=12)
    try:
        build_dataset(CsvTable(sys.argv[1]), sys.argv[2], "x", config=config, workers=2)
    except InputError as error:
        print(error)
"""


def test_a_worker_that_is_killed_costs_no_finished_shard(table, tmp_path):
    path, data_dir = table(2000, 21), tmp_path / "data"
    (tmp_path / "build.py").write_text(WORKER_KILLED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "build.py"), str(path), str(data_dir)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("the same command goes on\n"), done
    journal = (tmp_path / ".data.building" / "finished.jsonl").read_text().splitlines()
    noted = [json.loads(line)["file"] for line in journal[1:]]
    assert len(noted) >= 3
    shards = tmp_path / ".data.building" / "dataset"
    kept = {name: (shards / name).stat().st_ino for name in noted}
    build_dataset(CsvTable(path), data_dir, "x", config=CONFIG)
    assert {name: (data_dir / name).stat().st_ino for name in noted} == kept
    build_dataset(CsvTable(path), tmp_path / "undisturbed", "x", config=CONFIG)
    assert all_bytes(data_dir) == all_bytes(tmp_path / "undisturbed")


def test_a_worker_that_dies_is_explained(table, tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.shards.start_worker", os.abort)
    with pytest.raises(InputError, match="a worker process ended early: out of memory"):
        build_dataset(CsvTable(table(200, 21)), tmp_path / "data", "x", config=CONFIG, workers=2)
