"""Coverage as people ask for it: build, look, build again from a report's command; and mistakes."""

import os
import pathlib
import shlex
import subprocess
import sys

import pytest

from genokeras.evaluation.report_runs import build_command
from tfrecords import input_paths
from tfrecords.manifest import Manifest

ROOT = pathlib.Path(__file__).parents[2]
YEAST = ROOT / "examples" / "data" / "yeast"
FASTA, BIGWIG = YEAST / "sacCer3_I_II_III.fa.gz", YEAST / "atac_coverage.bw"
SOURCE = ["--source=tracks", f"--fasta={FASTA}", "--window_bp=2048", "--chrom_alias=auto"]
SPLITS = ["--valid_chroms=I", "--test_chroms=III", "--name=yeast", "--data_dir=data"]


@pytest.fixture
def launch(tmp_path):
    """Runs a launcher in a folder of its own, with a cache there."""

    def run(name, *args):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "GENOKERAS_CACHE": str(tmp_path / "c")}
        return subprocess.run(
            [sys.executable, "-m", f"launch.{name}", *args],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_a_table_is_built_described_and_built_again(launch, tmp_path):
    rows = f"0\tplus\t{BIGWIG}\t1\n1\tminus\t{BIGWIG}\t0\n"
    (tmp_path / "targets.txt").write_text("index\tidentifier\tfile\tstrand_pair\n" + rows)
    flags = ["--targets=targets.txt", "--bin_bp=1", "--crop_bp=512", "--cut_sites=plus,minus"]
    done = launch("build_dataset", *SOURCE, *flags, *SPLITS)
    assert done.returncode == 0, done.stderr
    assert "chrI = I, chrII = II, chrIII = III (atac_coverage.bw)" in done.stdout
    assert "Stored as float16, values change not at all; none became 0." in done.stdout
    manifest = Manifest.load(tmp_path / "data")
    assert (manifest.strand_pairs, manifest.cut_sites) == ((1, 0), (0, 1))
    assert (manifest.bin_bp, manifest.crop_bp, manifest.num_bins) == (1, 512, 1024)
    shown = launch("inspect_dataset", "--data_dir=data", "--examples=1", "--plot")
    assert shown.returncode == 0, shown.stderr
    assert "Coverage: 1024 bins of 1 bp, none in the 512 bp at either end" in shown.stdout
    assert "Strands of one assay: plus / minus" in shown.stdout
    assert "Cut sites: plus, minus" in shown.stdout
    assert (tmp_path / "data-overview.png").stat().st_size > 10_000
    command = build_command(manifest, "again", input_paths.load(tmp_path / "data"))
    done = launch("build_dataset", *shlex.split(command.replace("\\\n", " "))[3:])
    assert done.returncode == 0, done.stderr
    assert Manifest.load(tmp_path / "again").sha256 == manifest.sha256


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([*SOURCE[:1], *SPLITS], "--source=tracks needs --fasta"),
        (
            [*SOURCE, *SPLITS],
            "give bigWig files, --bigwig=FILE,FILE, or a table of them, --targets",
        ),
        (
            [*SOURCE, *SPLITS, f"--bigwig={BIGWIG},{FASTA}"],
            "sacCer3_I_II_III.fa.gz is a gzip file; expected a bigWig",
        ),
        (
            [*SOURCE[:3], *SPLITS, f"--bigwig={BIGWIG}"],
            "names the chromosomes chrI, chrII, chrIII; the genome has I, II, III; --chrom_alias=",
        ),
        (
            ["--source=peaks", f"--fasta={FASTA}", "--bin_bp=8", *SPLITS],
            "--bin_bp has no meaning with --source=peaks",
        ),
        (
            [*SOURCE, *SPLITS, f"--bigwig={BIGWIG}", "--negatives=gc_matched"],
            "--negatives has no meaning with --source=tracks",
        ),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(launch, tmp_path, args, message):
    done = launch("build_dataset", *args)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()
