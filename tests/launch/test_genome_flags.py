"""`launch.build_dataset` of windows of a genome: what it prints, and which flags go together."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
YEAST = ROOT / "examples" / "data" / "yeast"
FASTA = f"--fasta={YEAST}/sacCer3_I_II_III.fa.gz"
REB1 = YEAST / "Reb1.bed"
PEAKS = f"--peaks={REB1}"
SPLITS = ("--valid_chroms=I", "--test_chroms=III")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def build(tmp_path, cache):
    """Runs the launcher in an empty folder."""

    def run(*args, data_dir="data", last=()):
        command = [sys.executable, "-m", "launch.build_dataset", *map(str, args)]
        return subprocess.run(
            [*command, f"--data_dir={data_dir}", "--name=yeast", *last],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "GENOKERAS_CACHE": str(cache)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def refused(done):
    """The one line of a launcher that ended with exit code 2, having written nothing."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_peaks_by_a_fold_file(build, tmp_path, cache):
    fold = {"train": ["II"], "valid": ["I"], "test": ["III"]}
    (tmp_path / "fold_0.json").write_text(json.dumps(fold))
    flags = ["--source=peaks", FASTA, PEAKS, "--window_bp=100", "--fold_file=fold_0.json"]
    done = build(*flags, "--chrom_alias=auto")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"Reading sacCer3_I_II_III.fa.gz once, into the cache {cache}.",
        "sacCer3_I_II_III.fa.gz: 3 chromosomes, 1,360,022 bp.",
        "Chromosome names matched by Roman numerals: chr1 = I, chr2 = II, chr3 = III (Reb1.bed).",
        "Peaks: 110 in files: 1; distinct windows around their summits: 110.",
        "Negatives: 110 (gc_matched) for 110 positives.",
        "Negatives of another GC content, for want of windows of the right one: 1.",
        *[line for line in done.stdout.splitlines() if line.startswith("Mean GC content: ")],
        "data: 136 train, 22 valid, 62 test examples of 100 bp; look at them with: python -m "
        "launch.inspect_dataset --data_dir=data",
    ]
    assert "Reading rows: 220/220" in done.stderr
    again = build(*flags, "--chrom_alias=auto")
    assert "data is built already, from the same input with the same flags." in again.stdout
    fold["test"] = ["IV"]
    (tmp_path / "fold_0.json").write_text(json.dumps(fold))
    assert refused(build(*flags, "--chrom_alias=auto", data_dir="other")) == (
        "error: fold_0.json names the chromosomes II, I, IV; the genome has I, II, III; "
        "--chrom_alias=auto does not match IV (by prefix IV is none of them; by Roman numerals II "
        "is none of them); if it is of this genome, give --chrom_alias=FILE, a line for each "
        "chromosome with its names"
    )
    assert not (tmp_path / "other").exists()


def test_windows_by_chromosomes_of_another_style(build):
    flags = ("--source=windows", FASTA, "--window_bp=1000", "--chrom_alias=auto")
    done = build(*flags, "--valid_chroms=chr1", "--test_chroms=chrIII")
    typed = "--valid_chroms=chr1 --test_chroms=chrIII"
    assert f"error: {typed} names the chromosomes chr1, chrIII; the genome has I, II" in done.stderr
    done = build(*flags, "--valid_chroms=chr1", "--test_chroms=chr3")
    assert "matched by Roman numerals: chr1 = I, chr3 = III (--valid_chroms=chr1 " in done.stdout
    assert "data: 813 train, 230 valid, 316 test examples of 1000 bp" in done.stdout


def test_windows(build):
    done = build("--source=windows", FASTA, "--window_bp=1000", "--keep_softmask", *SPLITS)
    assert done.returncode == 0, done.stderr
    assert "data: 813 train, 230 valid, 316 test examples of 1000 bp" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--source=peaks", PEAKS, "--window_bp=9"], "--source=peaks needs --fasta"),
        (["--source=windows", FASTA], "--source=windows needs --window_bp"),
        (["--source=peaks", FASTA, "--window_bp=9", *SPLITS], "no file of peaks was given"),
        (["--source=windows", "--peaks=x.bed"], "--peaks has no meaning with --source=windows"),
        (["--source=windows", "--negatives=random"], "--negatives has no meaning with --source="),
        (["--source=peaks", "--stride_bp=9"], "--stride_bp has no meaning with --source=peaks"),
        (["--source=peaks", "--dev=x.csv"], "--valid has no meaning with --source=peaks"),
        (["--fasta=x.fa", "--input=x.csv"], "--fasta has no meaning with --source=csv"),
        (
            ["--input=x.csv", "--negatives=gc_matched"],
            "--negatives=gc_matched is for --source=peaks",
        ),
        (
            ["--source=windows", FASTA, "--window_bp=99", "--valid_chroms=I", "--fold_file=x"],
            "--fold_file names the chromosomes of all splits",
        ),
        (
            ["--source=windows", FASTA, "--window_bp=99"],
            "windows of a genome come without a split; give --split_fractions=0.8,0.1,0.1",
        ),
        (
            ["--source=peaks", FASTA, PEAKS, "--window_bp=99", *SPLITS],
            "the genome has I, II, III; --chrom_alias=none does not match chr",
        ),
        (
            ["--source=peaks", f"--fasta={REB1}", PEAKS, "--window_bp=99", *SPLITS],
            "expected a FASTA file, which begins with >NAME",
        ),
    ],
)
def test_flags_that_do_not_go_together(build, tmp_path, args, message):
    assert message in refused(build(*args))
    assert list(tmp_path.iterdir()) == []


NEVER_READ = ["--source=windows", "--fasta=no.fa", "--window_bp=99", *SPLITS]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--workers=0"], "--workers=0, expected 1 to 1024"),
        (["--num_shards=0"], "--num_shards=0, expected 1 to 99999"),
        (["--leak_threshold=5"], "--leak_threshold=5.0, expected 0 to 1"),
        (["--near_duplicate_threshold=5"], "--near_duplicate_threshold=5.0, expected 0 to 1"),
        (["--num_folds=5"], "--num_folds and --fold go together"),
        (
            ["--split_fractions=.8,.1,.1"],
            "chromosomes of splits and --split_fractions or --num_fol",
        ),
        (
            ["--valid_chroms=", "--test_chroms=", "--num_folds=2", "--fold=0"],
            "--num_folds=2 leaves nothing to train on",
        ),
        (["--beam_args=--x"], "--beam_args needs --runner=beam"),
        (["--test_chroms=I"], "I is in --valid_chroms and in --test_chroms"),
        (["--valid_chroms=", "--test_chroms=", "--fold_file=f"], "f: there is no such file"),
        (["--name=Yeast"], "--name=Yeast, expected small letters, digits and _, a letter first"),
        (["--data_dir=mine"], "mine holds files but no manifest.json, so it is no dataset"),
        (["--data_dir=mine/a.txt/data"], "mine/a.txt is a file, not a folder"),
        ([], "no.fa: there is no such file"),
    ],
)
def test_mistakes_of_flags_are_told_before_the_genome_is_read(build, tmp_path, args, message):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    assert message in refused(build(*NEVER_READ, last=args))


def test_another_dataset_in_the_place_is_told_before_the_genome_is_read(build):
    done = build("--source=windows", FASTA, "--window_bp=1000", *SPLITS)
    assert done.returncode == 0, done.stderr
    assert "holds another dataset (--seed was 0, now 5); --overwrite replaces it" in refused(
        build(*NEVER_READ, "--seed=5")
    )
