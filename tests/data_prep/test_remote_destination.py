"""Datasets built from files in a bucket into a bucket: the same bytes, whole or not at all."""

import json

import pytest

from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.csv_table import CsvTable
from data_prep.tracks import Tracks
from tfrecords import input_paths, remote_path
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

URL = "bucket://b/data"
CONFIG = BuildConfig(split_fractions=(0.5, 0.25, 0.25), num_shards=3)


@pytest.fixture
def table(bucket, tmp_path, random_sequences):
    """The URL of a table."""
    rows = [f"{text},{row % 2}\n" for row, text in enumerate(random_sequences(80, 30))]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all.csv").write_text("sequence,label\n" + "".join(rows))
    return "bucket://in/all.csv"


def build(table, data_dir=URL, config=CONFIG, **options):
    return build_dataset(CsvTable(table), data_dir, "x", config=config, **options)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_same_bytes_as_built_here(table, bucket, tmp_path):
    bucket.failing = 0.2
    manifest = build(table)
    build(tmp_path / "in" / "all.csv", tmp_path / "local")
    there, here = content(tmp_path / "b" / "data"), content(tmp_path / "local")
    paths = [json.loads(files.pop(input_paths.FILE))["input"] for files in (there, here)]
    assert paths == [[table], [str(tmp_path / "in" / "all.csv")]]
    assert there == here
    assert Dataset(URL).manifest == manifest
    assert not list((tmp_path / "cache" / "builds").iterdir())


def test_built_already(table, bucket):
    build(table)
    bucket.requests.clear()
    lines = []
    build(table, log=lines.append)
    assert lines == [f"{URL} is built already, from the same input with the same flags."]
    assert not [what for what in bucket.requests if what.startswith(("put", "rm"))]
    with pytest.raises(InputError, match=f"{URL} holds another dataset.*seed"):
        build(table, config=BuildConfig(split_fractions=(0.5, 0.25, 0.25), num_shards=3, seed=1))


def test_another_dataset_takes_its_place_with_its_manifest_last(
    table, bucket, tmp_path, monkeypatch
):
    build(table)
    log, ask = [], bucket._ask

    def asking(self, what, path):
        log.append(f"{what} {path.rpartition('/')[2]}")
        return ask(self, what, path)

    monkeypatch.setattr(bucket, "_ask", asking)
    config = BuildConfig(split_fractions=(0.5, 0.25, 0.25), num_shards=2)
    manifest = build(table, config=config, overwrite=True)
    changes = [what for what in log if what.startswith(("put", "rm"))]
    assert (changes[0], changes[-1]) == ("rm manifest.json", "put manifest.json")
    shards = {file.file for split in manifest.splits.values() for file in split}
    assert {name for name in content(tmp_path / "b" / "data") if "tfrecord" in name} == shards


def test_genome_and_coverage_from_a_bucket(bucket, tmp_path, write, bigwig, random_sequences):
    chroms = dict(zip("abc", random_sequences(3, 900), strict=True))
    fasta = write("g.fa", "".join(f">{name}\n{text}\n" for name, text in chroms.items()))
    coverage = bigwig("c.bw", dict.fromkeys(chroms, 900), [("b", 0, 900, 2.5)])
    config = BuildConfig(valid_chroms=("b",), test_chroms=("c",))
    found = []
    for place in (f"{tmp_path}/", "bucket://"):
        files = [place + str(path.relative_to(tmp_path)) for path in (fasta, coverage)]
        tracks = Tracks(files[0], bigwigs=[files[1]], window_bp=64, bin_bp=8)
        found.append(build_dataset(tracks, tmp_path / place[:6], "x", config=config))
    assert found[0] == found[1]


def test_a_network_that_fails_leaves_no_dataset_and_the_next_build_goes_on(
    table, bucket, tmp_path, monkeypatch
):
    ask, num_puts = bucket._ask, 0

    def asking(self, what, path):
        nonlocal num_puts
        num_puts += what == "put"
        if num_puts > 3:
            raise ConnectionResetError("connection reset")
        return ask(self, what, path)

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "_ask", asking)
        with pytest.raises(
            InputError, match=r"^bucket://b/data/.*: connection reset; tried 8 times"
        ):
            build(table)
    there = tmp_path / "b" / "data"
    assert 1 <= len(content(there)) <= 3
    assert "manifest.json" not in content(there)
    (folder,) = (tmp_path / "cache" / "builds").iterdir()
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("dataset/*.tfrecord-*")}
    assert kept
    with monkeypatch.context() as patch:
        patch.setattr(bucket, "_ask", asking)
        num_puts = 0
        patch.setattr(remote_path, "_ATTEMPTS", 1)
        with pytest.raises(InputError, match="connection reset"):
            build(table)
    again = {path.name: path.stat().st_mtime_ns for path in folder.glob("dataset/*.tfrecord-*")}
    assert again == kept
    assert build(table) == Dataset(URL).manifest


def test_places_that_are_taken(table, bucket, tmp_path):
    (tmp_path / "b" / "data").mkdir(parents=True)
    notes = tmp_path / "b" / "data" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(InputError) as caught:
        build(table)
    assert str(caught.value) == (
        f"{URL} holds files (notes.txt) but no manifest.json, so it is no dataset; give a new or "
        "an empty folder as --data_dir"
    )
    notes.unlink()
    build(table)
    notes.write_text("mine")
    with pytest.raises(InputError, match="data also holds notes.txt; move it elsewhere first, or"):
        build(table, config=BuildConfig(split_fractions=(0.5, 0.25, 0.25), seed=1), overwrite=True)
    assert notes.read_text() == "mine"


def test_a_table_that_is_not_there(bucket):
    with pytest.raises(InputError, match=r"^bucket://in/all.csv: there is no such file$"):
        build("bucket://in/all.csv")
