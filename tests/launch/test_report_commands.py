"""The build command of a report, pasted into a shell, makes the dataset again, to its last hash."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable
from genokeras.evaluation.report_runs import build_command
from tfrecords import input_paths
from tfrecords.manifest import Manifest

ROOT = pathlib.Path(__file__).parents[2]
CSV = ["--source=csv", "--input=all.csv", "--split_fractions=0.6,0.2,0.2", "--seed=3"]
FASTA = ["--source=fasta", "--input=bound.fa,free.fa", "--labels=1,0", "--num_folds=4", "--fold=1"]
SPLITS = ["--train=all.csv", "--test=more.csv", "--target_columns=label", "--shift_bp=4"]


@pytest.fixture
def folder(tmp_path):
    letters = np.random.default_rng(0).choice(list("ACGT"), (160, 40))
    texts = ["".join(row) for row in letters]
    for name, part in (("all.csv", texts[:100]), ("more.csv", texts[100:])):
        rows = [f"{text},{number % 2}" for number, text in enumerate(part)]
        (tmp_path / name).write_text("\n".join(["sequence,label", *rows]) + "\n")
    for name, part in (("bound.fa", texts[:60]), ("free.fa", texts[60:])):
        records = (f">s{number}\n{text}\n" for number, text in enumerate(part))
        (tmp_path / name).write_text("".join(records))
    return tmp_path


@pytest.mark.parametrize("flags", [CSV, FASTA, SPLITS], ids=["fractions", "folds", "splits"])
def test_the_command_builds_the_same_dataset_wherever_it_is_called(folder, flags, tmp_path_factory):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    build = [sys.executable, "-m", "launch.build_dataset", *flags, "--name=mine"]
    subprocess.run([*build, "--data_dir=first"], cwd=folder, env=environment, check=True)
    first = Manifest.load(folder / "first")
    command = build_command(first, str(folder / "second"), input_paths.load(folder / "first"))
    command = command.replace("python -m", f"{sys.executable} -m", 1)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    subprocess.run(command, shell=True, cwd=elsewhere, env=environment, check=True)
    assert Manifest.load(folder / "second").sha256 == first.sha256


def test_without_paths_the_command_has_the_names_of_the_files(folder):
    build_dataset(CsvTable({"train": folder / "all.csv"}), folder / "data", "mine")
    command = build_command(Manifest.load(folder / "data"), "new")
    assert "--train=all.csv" in command
