"""`launch.build_dataset` as people type it: what it prints, and how it refuses."""

import ctypes
import hashlib
import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfrecords.manifest import Manifest

ROOT = pathlib.Path(__file__).parents[2]
HEADER = "sequence,label,subset\n"
ROWS = "ACGT,1,train\nAAGG,0,train\nCACA,1,val\nTTTT,0,TEST\n"


def obey_permissions():
    """Takes from root, as whom containers run tests, the right to do what nobody may."""
    if os.geteuid() == 0:
        # linux/prctl.h, linux/capability.h
        drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
        for right in (dac_override, dac_read_search):
            ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0)


@pytest.fixture
def launch(tmp_path):
    """Runs the launcher in a folder of its own; `files` maps names to contents."""

    def run(*args, files=None, data_dir="data", name="mine"):
        for file, content in (files or {}).items():
            (tmp_path / file).write_text(content)
        command = [sys.executable, "-m", "launch.build_dataset", *args]
        command += [f"--data_dir={data_dir}", f"--name={name}"]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            preexec_fn=obey_permissions,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def refused(done):
    """The one line, after those of progress, of a launcher that ended with exit code 2."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    *before, line = done.stderr.splitlines()
    assert all(text.startswith("Reading (bytes): ") for text in before)
    assert line.startswith("error: ")
    return line


def test_a_table_with_a_split_column(launch, tmp_path):
    done = launch(
        "--source=csv", "--input=all.tsv", "--split_column=subset",
        files={"all.tsv": (HEADER + ROWS).replace(",", "\t")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Columns read: sequence, label.",
        "Warning: all labels of label in valid are 1.",
        "Warning: all labels of label in test are 0.",
        "data: 2 train, 1 valid, 1 test examples of 4 bp; look at them with: python -m "
        "launch.inspect_dataset --data_dir=data",
    ]
    assert "Writing examples: 4/4" in done.stderr
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "dataset_info.json", "features.json", "input_paths.json", "manifest.json",
        *(f"mine-{split}.tfrecord-00000-of-00001" for split in ("test", "train", "valid")),
    ]  # fmt: skip


def test_a_dataset_of_tfds(launch, tmp_path):
    """One that was built here: TFDS reads those as it does its own."""
    rows = "".join(
        f"{'AC' * 10}{'GT'[n % 2] * n}{'A' * (40 - n)},{n % 2},train\n" for n in range(40)
    )
    files = {"all.csv": HEADER + rows}
    done = launch("--input=all.csv", "--split_column=subset", data_dir="first", files=files)
    assert done.returncode == 0, done.stderr
    args = ("--source=tfds", "--input=first", "--split_fractions=0.5,0.25,0.25", "--workers=2")
    done = launch(*args, "--near_duplicate_threshold=1", data_dir="second")
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert lines[0] == "Features read: sequence, targets; not read: row."
    assert last.startswith("second: 20 train, 10 valid, 10 test examples of 60 bp; ")
    # Of TensorFlow's own messages nothing is seen.
    bars = ("Reading rows: ", "Writing examples: ", "Comparing ", "Looking ")
    assert all(line.startswith(bars) for line in done.stderr.splitlines()), done.stderr
    manifest = Manifest.load(tmp_path / "second")
    assert manifest.flags["files"] == {"input": ["mine/1.0.0"]}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "error: no input file; give --input"),
        (["--input=a,b"], "error: --input=a,b, expected one dataset of TFDS"),
        (["--input=a", "--train=b"], "error: --train has no meaning with --source=tfds"),
        (["--input=a", "--split_column=b"], "error: --split_column has no meaning with --source="),
        (
            ["--input=a"],
            "error: a: there is no such folder; if it is the name of a dataset, --tfds",
        ),
    ],
)
def test_a_dataset_of_tfds_that_is_not_there(launch, args, message):
    assert refused(launch("--source=tfds", *args)).startswith(message)


def test_the_folder_of_tfds_is_for_its_datasets(launch):
    done = launch("--input=all.csv", "--tfds_dir=there", files={"all.csv": HEADER + ROWS})
    assert refused(done) == "error: --tfds_dir has no meaning with --source=csv"


def test_a_table_with_columns_of_chromosomes_and_groups(launch, tmp_path):
    rows = "".join(
        f"{text},{n % 2},chr{n % 3},gene{n % 40}\n"
        for n, text in enumerate("".join(t) for t in itertools.product("AC", repeat=8))
    )
    files = {"all.csv": f"sequence,label,chrom,gene\n{rows}"}
    chroms = ["--chrom_column=chrom", "--valid_chroms=chr1", "--test_chroms=chr2"]
    done = launch("--input=all.csv", *chroms, "--leak_threshold=1", files=files)
    assert done.returncode == 0, done.stderr
    assert "86 train, 85 valid, 85 test examples of 8 bp" in done.stdout
    groups = ["--group_column=gene", "--split_fractions=0.6,0.2,0.2", "--leak_threshold=1"]
    done = launch("--input=all.csv", *groups, data_dir="groups")
    assert done.returncode == 0, done.stderr
    manifest = Manifest.load(tmp_path / "groups")
    assert manifest.flags["group_column"] == "gene"
    assert [found["shared_groups"] for found in manifest.audit["shared"].values()] == [0, 0, 0]


@pytest.mark.slow
def test_gzip_shards_train_and_evaluate_without_a_flag(launch, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    rows = "".join(f"{'ACGT'[row % 4] * 40},{row % 2},{split}\n" for row, split in enumerate(
        ["train"] * 32 + ["valid"] * 8 + ["test"] * 8
    ))  # fmt: skip
    done = launch(
        "--input=all.csv", "--split_column=subset", "--on_leak=warn", "--leak_threshold=1",
        "--compression=gzip", files={"all.csv": HEADER + rows},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "input_paths.json",
        "manifest.json",
        *(f"mine-{split}.tfrecord-00000-of-00001" for split in ("test", "train", "valid")),
    ]
    assert not (tmp_path / "cache").exists()
    small = ["--preset=tiny", "--steps=1", "--batch_size=8", "--jit=off"]
    for command in (
        ["train", f"--data_dir={tmp_path / 'data'}", f"--workdir={tmp_path / 'run'}", *small],
        ["evaluate", f"--workdir={tmp_path / 'run'}", "--split=test"],
    ):
        module, *args = command
        done = subprocess.run(
            [sys.executable, "-m", f"launch.{module}", *args],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "cache").glob("*/mine-*"))) == 3


def test_example_data_twice_gives_the_same_bytes(launch, tmp_path, gue_tf0):
    hashes = []
    for data_dir in ("one", "two"):
        done = launch(
            "--source=csv", f"--train={gue_tf0}/train.csv.gz", f"--dev={gue_tf0}/dev.csv.gz",
            f"--test={gue_tf0}/test.csv.gz", data_dir=data_dir, name="tf0",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "train and valid share 1 sequence, on either strand; dropped 1 of" in done.stdout
        files = sorted((tmp_path / data_dir).iterdir())
        hashes.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert hashes[0] == hashes[1]


def test_fractions_folds_fasta_and_overwriting(launch, tmp_path):
    letters = ["ACGT"[number % 4] + "ACGT"[number // 4 % 4] for number in range(16)]
    rows = "".join(f"A{a}{b}CC,{a < b:d}\n" for a in letters for b in letters if a != b)
    files = {"all.csv": f"sequence,label\n{rows}", "a.fa": ">x label=1\nACGTT\n>y label=0\nCCCCC\n"}
    csv = ["--input=all.csv", "--seed=3"]
    assert launch(*csv, "--split_fractions=0.8,0.1,0.1", files=files).returncode == 0
    other = launch(*csv, "--num_folds=4", "--fold=1")
    assert (
        "data holds another dataset (--split_fractions was 0.8,0.1,0.1, now not given, --num_folds "
        "was not given, now 4, --fold was not given, now 1); --overwrite replaces it"
    ) in refused(other)
    assert launch(*csv, "--num_folds=4", "--fold=1", "--overwrite").returncode == 0
    again = launch(*csv, "--num_folds=4", "--fold=1", "--overwrite")
    assert "data is built already" in again.stdout
    done = launch("--source=fasta", "--train=a.fa", data_dir="fasta")
    assert "fasta: 2 train examples of 5 bp" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--input=al.csv"], "al.csv: there is no such file. Did you mean 'all.csv'?"),
        (["--input=all.csv"], "all.csv does not say which rows are for training (--split_column="),
        (["--input=all.csv", "--split_fractions=0.8,x"], "--split_fractions=0.8,x, expected numb"),
        (["--train=all.csv", "--labels=1"], "--labels has no meaning with --source=csv"),
        (["--source=fasta", "--train=a.fa", "--split_column=x"], "--split_column has no meaning"),
        (["--train=all.csv", "--beam_args=--x"], "--beam_args needs --runner=beam"),
        (
            ["--train=all.csv", "--runner=beam", "--workers=2"],
            "leave --workers out and give it in --beam_a",
        ),
        (["--input=all.csv", "--valid_chroms=I"], "--chrom_column=NAME goes with --valid_chroms="),
        (["--source=fasta", "--train=a.fa", "--test_chroms=I"], "--test_chroms has no meaning"),
        (["--input=all.csv", "--whole_chroms"], "--whole_chroms has no meaning with --source=csv"),
        ([], "no input file; give --train, --valid and --test, or --input"),
        (["--train=all.csv", "--negatives_per_positive=2"], "needs --negatives=KIND"),
        (["--train=all.csv", "--shift_bp=2"], "--shift_bp=2 leaves nothing of sequences of 4 bp"),
        (["--train=all.csv", "--lenght=4"], "unknown flag --lenght. Did you mean 'length'?"),
        (["--train=bad.csv"], "bad.csv:3: position 1: 'X' is no base and no IUPAC code"),
        (["--train=leaky.csv", "--test=leaky2.csv"], "1 of 1 sequences of test (100.0%) are in "),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(launch, tmp_path, args, message):
    files = {
        "all.csv": HEADER + ROWS,
        "bad.csv": "sequence,label\nACGT,1\nAXGT,1\n",
        "leaky.csv": "sequence,label\nACGG,1\nTTTT,1\n",
        "leaky2.csv": "sequence,label\nCCGT,1\n",
    }
    assert message in refused(launch(*args, files=files))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


def test_data_dir_that_is_a_file(launch):
    done = launch("--train=all.csv", files={"all.csv": HEADER + ROWS}, data_dir="all.csv/data")
    assert refused(done).startswith("error: --data_dir=all.csv/data: ")
    assert refused(done).endswith("all.csv is a file, not a folder")


def test_data_dir_without_permission(launch, tmp_path):
    (tmp_path / "all.csv").write_text(HEADER + ROWS)
    (tmp_path / "closed").mkdir(mode=0o500)
    line = refused(launch("--train=all.csv", data_dir="closed/data"))
    assert line.startswith("error: --data_dir=closed/data: permission denied to write in ")
    assert line.endswith("closed; give a folder of your own, or have its owner allow it")


def test_input_without_permission(launch, tmp_path):
    (tmp_path / "all.csv").write_text(HEADER + ROWS)
    (tmp_path / "all.csv").chmod(0)
    assert refused(launch("--train=all.csv")) == (
        "error: all.csv: permission denied to read it; have its owner allow it (chmod u+r)"
    )


def test_positives_get_negatives_and_flanks(launch, tmp_path):
    table = "seq\nACGTACGGTAGGATAC\nTTGACCTTGAGTACAA\n"
    done = launch(
        "--train=peaks.tsv", "--negatives=dinucleotide_shuffle", "--negatives_per_positive=2",
        "--shift_bp=2", files={"peaks.tsv": table},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Columns read: seq.",
        "No labels, so all rows are positives: peaks.tsv.",
        "Negatives: train gets 4 (dinucleotide_shuffle) for 2 positives.",
        "data: 6 train examples of 12 bp and 2 bp either side; look at them with: python -m "
        "launch.inspect_dataset --data_dir=data",
    ]


def test_help_shows_commands_that_work():
    done = subprocess.run(
        [sys.executable, "-m", "launch.build_dataset", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "python -m launch.build_dataset --source=csv" in done.stdout
    assert "--split_fractions" in done.stdout


def test_a_table_at_a_url_and_a_cache_of_ones_own(launch, tmp_path):
    """The copy of the table is in the cache that was asked for."""
    bases = np.random.default_rng(0).choice(list("ACGT"), (40, 30))
    rows = [f"{''.join(text)},{row % 2}\n" for row, text in enumerate(bases)]
    files = {"all.csv": "sequence,label\n" + "".join(rows)}
    args = f"--input=file://{tmp_path}/all.csv", "--split_fractions=0.5,0.25,0.25"
    done = launch(*args, f"--cache_dir={tmp_path}/cache", files=files)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "cache").rglob("*.csv")] == ["all.csv"]
