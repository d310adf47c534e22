"""Builds of windows of a genome that are killed at any moment, run out of room, or lose a file."""

import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.genome_windows import GenomeWindows
from data_prep.peaks import Peaks
from data_prep.shards import write_shards
from data_prep.tracks import Tracks
from tfrecords.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = BuildConfig(valid_chroms=("b",), test_chroms=("c",))
CHROM_BP = 3000


@pytest.fixture
def files(write, random_sequences, bigwig):
    """A genome of three chromosomes, peaks and coverage on it."""
    chroms = dict(zip("abc", random_sequences(3, CHROM_BP), strict=True))
    starts = range(200, CHROM_BP - 200, 150)
    return {
        "fasta": write("g.fa", "".join(f">{name}\n{text}\n" for name, text in chroms.items())),
        "peaks": write("p.bed", "".join(f"{c}\t{s}\t{s + 20}\n" for c in chroms for s in starts)),
        "bigwig": bigwig(
            "t.bw", dict.fromkeys(chroms, CHROM_BP), [(c, 0, CHROM_BP, 2) for c in chroms]
        ),
    }


def source(kind, files, cache_dir, log=None):
    shared = {"window_bp": 100, "cache_dir": cache_dir, "log": log}
    if kind == "windows":
        return GenomeWindows(files["fasta"], **shared)
    if kind == "peaks":
        return Peaks(files["fasta"], [files["peaks"]], negatives="none", **shared)
    return Tracks(files["fasta"], bigwigs=[files["bigwig"]], bin_bp=10, **shared)


def all_bytes(data_dir):
    return {path.name: path.read_bytes() for path in data_dir.iterdir()}


def launched(files, folder, name):
    return subprocess.Popen(
        [sys.executable, "-m", "launch.build_dataset", "--source=windows", "--name=x",
         f"--fasta={files['fasta']}", "--window_bp=100", "--stride_bp=5", "--num_shards=20",
         "--valid_chroms=b", "--test_chroms=c", "--workers=2",
         f"--data_dir={folder / name}", f"--cache_dir={folder / f'cache_{name}'}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(files, tmp_path):
    """Killed three times on the way to the same bytes, be it packing, reading or writing."""
    began = time.monotonic()
    assert "Traceback" not in launched(files, tmp_path, "undisturbed").communicate()[1]
    whole = time.monotonic() - began
    moments = [random.uniform(0.2, 1) * whole for _ in range(3)]
    for moment in moments:
        with launched(files, tmp_path, "data") as build:
            try:
                build.wait(moment)
            except subprocess.TimeoutExpired:
                build.send_signal(signal.SIGKILL)
    last = launched(files, tmp_path, "data")
    last.communicate()
    assert last.returncode == 0
    found = all_bytes(tmp_path / "data")
    assert found == all_bytes(tmp_path / "undisturbed"), f"killed after {moments} of {whole}"
    assert len(found) > 60
    assert [path.name for path in tmp_path.iterdir() if "building" in path.name] == []


@pytest.mark.parametrize(("kind", "name"), [("windows", "fasta"), ("tracks", "bigwig")])
def test_an_input_that_is_gone_before_it_is_read(files, tmp_path, kind, name):
    def remove(line):
        if line.startswith("Reading g.fa once"):
            files[name].unlink()

    with pytest.raises(InputError, match=f"^{files[name]}: there is no such file"):
        source(kind, files, tmp_path / "cache", remove)
    assert list(tmp_path.glob("cache/genome*")) == ([] if name == "fasta" else [*genomes(tmp_path)])


def genomes(folder):
    return folder.glob("cache/genome-v*")


def test_coverage_that_vanishes_during_the_build(files, tmp_path):
    opened = source("tracks", files, tmp_path / "cache")
    files["bigwig"].unlink()
    with pytest.raises(InputError, match=f"^{files['bigwig']}: there is no such file"):
        build_dataset(opened, tmp_path / "data", "x", config=CONFIG)
    assert [path.name for path in tmp_path.iterdir() if "data" in path.name] == []


@pytest.mark.parametrize(("kind", "name"), [("windows", "fasta"), ("peaks", "peaks")])
def test_what_was_read_may_go(files, tmp_path, kind, name):
    """A genome is in the cache, peaks are in memory; the records are those of the files."""
    opened = source(kind, files, tmp_path / "cache")
    build_dataset(opened, tmp_path / "before", "x", config=CONFIG)
    files[name].unlink()
    build_dataset(opened, tmp_path / "after", "x", config=CONFIG)
    assert all_bytes(tmp_path / "before") == all_bytes(tmp_path / "after")


def test_a_packed_genome_that_is_not_whole_is_not_used(files, tmp_path):
    source("windows", files, tmp_path / "cache")
    (folder,) = genomes(tmp_path)
    (folder / "bases.bin").unlink()
    with pytest.raises(InputError, match="bases.bin is not as it was written; remove the folder"):
        source("windows", files, tmp_path / "cache")


@pytest.mark.parametrize("where", ["rows", "shards"])
def test_a_full_disk_leaves_no_dataset(files, tmp_path, monkeypatch, where):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    name = "scratch._write_all" if where == "rows" else "shards.ShardWriter.write"
    monkeypatch.setattr(f"data_prep.{name}", full)
    with pytest.raises(OSError, match="No space left on device: '.*data"):
        build_dataset(
            source("windows", files, tmp_path / "cache"), tmp_path / "data", "x", config=CONFIG
        )
    assert [path.name for path in tmp_path.iterdir() if "data" in path.name] == []


def test_a_cache_that_nobody_may_write_to(files, tmp_path):
    """Root may write anywhere, so a file stands where a folder should be."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match=f"'{tmp_path}/file/cache'"):
        source("windows", files, tmp_path / "file" / "cache")


TABLE = "\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tstrand_pair\tdescription\n"


@pytest.mark.parametrize(
    "other", [{"pairs": (1, 0)}, {"cut_sites": ["x"]}], ids=["strand pairs", "cut sites"]
)
def test_shards_turned_in_another_way_are_not_taken_over(files, tmp_path, write, bigwig, other):
    """Of the same columns in the same order, both strands of which are stored."""
    for name, value in (("x", 1), ("y", 3)):
        values = [(c, at, at + 7, value + at) for c in "abc" for at in range(0, CHROM_BP - 9, 19)]
        bigwig(f"{name}.bw", dict.fromkeys("abc", CHROM_BP), values)

    def build(folder, pairs=(0, 1), cut_sites=(), runner=None):
        rows = (f"{i}\t{n}\t{n}.bw\t\t\t1\tsum\t{pairs[i]}\t{n}\n" for i, n in enumerate("xy"))
        opened = Tracks(
            files["fasta"],
            targets=write("targets.txt", TABLE + "".join(rows)),
            **{"window_bp": 100, "bin_bp": 1, "cut_sites": cut_sites},
            cache_dir=tmp_path / "cache",
        )
        config = BuildConfig(
            valid_chroms=("b",), test_chroms=("c",), reverse_complement="store", on_leak="warn"
        )
        build_dataset(opened, tmp_path / folder, "x", config=config, runner=runner, workers=1)

    def interrupted(tasks, when_done):
        write_shards(tasks, when_done, workers=1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build("data", runner=interrupted)
    assert len((tmp_path / ".data.building" / "finished.jsonl").read_text().splitlines()) == 4
    build("data", **other)
    build("undisturbed", **other)
    build("first")
    assert all_bytes(tmp_path / "data") == all_bytes(tmp_path / "undisturbed")
    shard = "x-train.tfrecord-00000-of-00001"
    assert all_bytes(tmp_path / "data")[shard] != all_bytes(tmp_path / "first")[shard]
