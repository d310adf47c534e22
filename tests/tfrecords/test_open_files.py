"""A dataset of more shards than a process may open works where the system lets it, or says why."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfrecords import mapped_shards

ROOT = pathlib.Path(__file__).parents[2]
READ = """
import resource, sys
import numpy as np
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), int(sys.argv[3])))
try:
    print(Dataset(sys.argv[1]).split("train").read(np.arange(300))["row"].sum())
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except InputError as error:
    print(error)
"""


@pytest.fixture
def read(save, make_columns, tmp_path):
    """Reads 300 shards of one record in a process with these limits."""

    def run(soft, hard):
        save(make_columns(300), num_shards=300)
        command = [sys.executable, "-c", READ, str(tmp_path), str(soft), str(hard)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize(("soft", "raised"), [(100, 600), (500, 500)])
def test_the_soft_limit_is_raised_only_if_it_is_too_low(read, soft, raised):
    assert read(soft, 600) == [str(sum(range(300))), str(raised)]


def test_a_hard_limit_that_is_too_low_is_named_with_the_way_out(read):
    (line,) = read(100, 200)
    assert line.startswith(
        "300 shards are to be open at the same time, but this process may open no more than 200 "
        "files; allow more (ulimit -n 3"
    )
    assert line.endswith("), or build the dataset again with fewer --num_shards")


@pytest.mark.parametrize("num_pieces", [255, 256, 257, 65_537])
def test_any_number_of_pieces(save, make_columns, monkeypatch, num_pieces):
    """Numbers of 8 and of 16 bits hold pieces up to 255 and 65,535; further ones wrapped."""
    monkeypatch.setattr(mapped_shards, "_PIECE_BYTES", 1)
    split = save(make_columns(num_pieces), num_shards=1).split("train")
    rows = np.array([num_pieces - 1, 0, num_pieces - 2, 1, num_pieces - 1])
    np.testing.assert_array_equal(split.read(rows)["row"], rows)
