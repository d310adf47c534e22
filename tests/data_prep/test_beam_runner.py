"""Shards written by Apache Beam are those of the local processes; what fails is said in one line.

Beam wants other versions of some packages than this project's, so here a module stands in for it
that has the few names in use. Tests marked `beam` use the real one: `make test-beam`.
"""

import functools
import importlib.util
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import time

import pytest

from data_prep import beam_runner, shards
from data_prep.beam_runner import BeamRunner
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=3)
PROCESSES = "--runner=DirectRunner", "--direct_running_mode=multi_processing"
STAND_IN = """
import os, pickle, subprocess, sys, threading, time
from apache_beam.options.pipeline_options import PipelineOptions

class Pipeline:
    def __init__(self, options):
        self.options = options
    def __or__(self, step):
        return step(self)
    def run(self):
        return self
    def wait_until_finish(self):
        # A fresh process for every task, as far from this one as another machine.
        if "--lazy" in self.options.args:
            return
        for number, task in enumerate(self.tasks):
            if number == 2 and "--failing" in self.options.args:
                raise RuntimeError("Traceback\\nOSError: [Errno 28] No space left on device: 'x'")
            if number == 2 and "--deadly" in self.options.args:
                threading.Thread(target=lambda: 1 / 0, name="run_worker").start()
                time.sleep(600)
            code = "import pickle, sys; f, x = pickle.load(sys.stdin.buffer); f(x)"
            subprocess.run([sys.executable, "-c", code], input=pickle.dumps((self.call, task)),
                           check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})

def Create(tasks):
    def apply(pipeline):
        pipeline.tasks = tasks
        return pipeline
    return apply

def Reshuffle():
    return lambda pipeline: pipeline

def Map(call):
    def apply(pipeline):
        pipeline.call = call
        return pipeline
    return apply
"""
OPTIONS = """
import sys
class PipelineOptions:
    def __init__(self, args):
        self.args = args
        if "--runner=Nonsense" in args:
            raise ValueError("Unexpected pipeline runner: Nonsense. Valid values are ...")
    def get_all_options(self):
        if "--direct_num_workers=x" in self.args:
            print("usage: ...\\nx.py: error: argument --direct_num_workers: invalid int value: 'x'",
                  file=sys.stderr)
            sys.exit(2)
"""


@pytest.fixture
def table(write, random_sequences):
    texts = random_sequences(240, 21)
    rows = [f"{text},{number % 2}" for number, text in enumerate(texts)]
    return write("all.csv", "\n".join(["sequence,label", *rows]) + "\n")


@pytest.fixture
def beam(tmp_path, monkeypatch):
    """Puts the stand-in in the place of Beam, here and in processes started from here."""
    package = tmp_path / "stand_in" / "apache_beam"
    (package / "options").mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN)
    (package / "options" / "__init__.py").write_text("")
    (package / "options" / "pipeline_options.py").write_text(OPTIONS)
    monkeypatch.syspath_prepend(str(package.parent))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "apache_beam"]:
        del sys.modules[name]


def all_bytes(data_dir):
    return {path.name: path.read_bytes() for path in data_dir.iterdir()}


def build(table, data_dir, *args, **options):
    return build_dataset(
        CsvTable(table), data_dir, "x", config=CONFIG, runner=BeamRunner(args), **options
    )


def test_the_same_bytes_as_from_local_processes(table, tmp_path, beam):
    build(table, tmp_path / "beam")
    build_dataset(CsvTable(table), tmp_path / "local", "x", config=CONFIG)
    assert all_bytes(tmp_path / "beam") == all_bytes(tmp_path / "local")
    assert not (tmp_path / ".beam.building").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            "--failing",
            r"Apache Beam: OSError: \[Errno 28\] No space left on device: 'x \(2 of 5 shards are "
            r"there, \S+beam.log has more\); the same command goes on",
        ),
        ("--deadly", r"a worker of Apache Beam ended early, out of memory or killed \(2 of 5"),
        ("--lazy", r"its workers do not write into the folder of the dataset \(0 of 5 shards"),
    ],
)
def test_what_fails_is_said_and_the_next_build_goes_on(table, tmp_path, beam, args, message):
    with pytest.raises(InputError, match=message):
        build(table, tmp_path / "data", args)
    assert not (tmp_path / "data").exists()
    building = tmp_path / ".data.building"
    left = {path.name: path.stat().st_ino for path in (building / "dataset").iterdir()}
    assert len(left) == (0 if args == "--lazy" else 2)
    build_dataset(CsvTable(table), tmp_path / "data", "x", config=CONFIG)
    assert {name: (tmp_path / "data" / name).stat().st_ino for name in left} == left
    build_dataset(CsvTable(table), tmp_path / "undisturbed", "x", config=CONFIG)
    assert all_bytes(tmp_path / "data") == all_bytes(tmp_path / "undisturbed")


def test_options_that_beam_does_not_take(beam):
    with pytest.raises(InputError, match="^--beam_args=--runner=Nonsense: Unexpected pipeline run"):
        BeamRunner(["--runner=Nonsense"])
    with pytest.raises(InputError, match="x.py: error: argument --direct_num_workers: invalid int"):
        BeamRunner(["--direct_num_workers=x"])


def test_without_beam_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(InputError, match="needs the package apache-beam, in an environment of its"):
        BeamRunner()


def test_a_worker_left_over_from_a_killed_build_writes_nothing(table, tmp_path):
    """Its folder is gone, so it cannot rename what it wrote into a dataset to come."""
    tasks = []
    with pytest.raises(InputError):
        build_dataset(CsvTable(table), tmp_path / "data", "x", config=CONFIG,
                      runner=lambda given, when_done: tasks.extend(given) or stop())  # fmt: skip
    with pytest.raises(FileNotFoundError):
        beam_runner._write(tasks[0], tmp_path / ".data.building" / "beam-gone")
    assert list((tmp_path / ".data.building" / "dataset").iterdir()) == []


def stop():
    raise beam_runner.UnfinishedError("stopped")


@pytest.mark.parametrize("name", ["pickle", "cloudpickle"])
def test_tasks_pickle_to_a_fresh_process(table, tmp_path, name):
    """As Beam sends them: it pickles with cloudpickle, which pickle reads."""
    module = pytest.importorskip(name)
    sent = []

    def send(tasks, when_done):
        sent.append(module.dumps((functools.partial(shards.write_shard), list(tasks))))
        code = "import pickle, sys; f, xs = pickle.load(sys.stdin.buffer); r = [f(x) for x in xs]\n"
        code += "sys.stdout.buffer.write(pickle.dumps(r))"
        done = subprocess.run([sys.executable, "-c", code], input=sent[0], capture_output=True,
                              check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
        for shard in pickle.loads(done.stdout):
            when_done(shard)

    build_dataset(CsvTable(table), tmp_path / "sent", "x", config=CONFIG, runner=send)
    build_dataset(CsvTable(table), tmp_path / "local", "x", config=CONFIG)
    assert all_bytes(tmp_path / "sent") == all_bytes(tmp_path / "local")
    assert len(sent[0]) < 5000 * 5


KILLED = """
import sys
from data_prep.beam_runner import BeamRunner
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from tfrecords.errors import InputError

if __name__ == "__main__":
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=int(sys.argv[3]))
    try:
        build_dataset(CsvTable(sys.argv[1]), sys.argv[2], "x", config=config,
                      runner=BeamRunner(sys.argv[4:]))
    except InputError as error:
        print(error)
"""


def with_real_beam(table, data_dir, num_shards, folder):
    if importlib.util.find_spec("apache_beam") is None:
        pytest.skip("apache-beam is not installed: make test-beam")
    (folder / "build.py").write_text(KILLED)
    return subprocess.Popen(
        [sys.executable, str(folder / "build.py"), str(table), str(data_dir), str(num_shards),
         *PROCESSES, "--direct_num_workers=2"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.beam
def test_beam_on_two_processes_writes_the_same_bytes(table, tmp_path):
    assert with_real_beam(table, tmp_path / "beam", 3, tmp_path).communicate()[0] == ""
    build_dataset(CsvTable(table), tmp_path / "local", "x", config=CONFIG, workers=2)
    assert all_bytes(tmp_path / "beam") == all_bytes(tmp_path / "local")


@pytest.mark.beam
def test_a_worker_of_beam_that_is_killed_costs_no_finished_shard(table, tmp_path):
    data_dir, building = tmp_path / "data", tmp_path / ".data.building"
    with with_real_beam(table, data_dir, 144, tmp_path) as build:
        until = time.monotonic() + 200
        while not list(building.glob("beam-*/[!.]*.json")) and time.monotonic() < until:
            time.sleep(0.01)
        assert time.monotonic() < until, "Beam has not begun"
        os.kill(workers_of(build.pid)[0], signal.SIGKILL)
        said = build.communicate()[0]
    assert said.startswith("a worker of Apache Beam ended early, out of memory or killed"), said
    assert said.endswith("the same command goes on\n")
    journal = (building / "finished.jsonl").read_text().splitlines()
    assert 1 < len(journal) < 241
    assert with_real_beam(table, data_dir, 144, tmp_path).communicate()[0] == ""
    config = BuildConfig(split_fractions=(0.6, 0.2, 0.2), num_shards=144)
    build_dataset(CsvTable(table), tmp_path / "local", "x", config=config)
    assert all_bytes(data_dir) == all_bytes(tmp_path / "local")


@pytest.mark.beam
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--runner=Nonsense", "^--beam_args=--runner=Nonsense: Unexpected pipeline runner: Nonse"),
        ("--direct_num_workers=x", "error: argument --direct_num_workers: invalid int value: 'x$"),
    ],
)
def test_options_that_real_beam_does_not_take(option, message):
    pytest.importorskip("apache_beam")
    with pytest.raises(InputError, match=message):
        BeamRunner([option])


def workers_of(pid):
    """Processes below `pid` that run the Python worker of Beam."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parent = int(text.rsplit(")", 1)[1].split()[1])
        children.setdefault(parent, []).append(int(text.split()[0]))
    below, found = [pid], []
    while below:
        one = below.pop()
        below += children.get(one, [])
        words = pathlib.Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
        if b"apache_beam.runners.worker.sdk_worker_main" in words:
            found.append(one)
    return found
