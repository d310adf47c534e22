"""The wheel holds the four packages, and trains where there is no checkout."""

import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the files git would ship, so that no build leftovers stay behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for package in ("tfrecords", "data_prep", "genokeras", "launch", "tests", "benchmarks"):
        (source / package).symlink_to(ROOT / package)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(source))
    return next(out.glob("*.whl"))


def test_wheel_holds_the_four_packages_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"tfrecords", "data_prep", "genokeras", "launch"}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in tops
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in (".py", ".jinja", ".css", ".flags")
    }
    assert wanted <= set(names)
    assert "genokeras/evaluation/report.html.jinja" in wanted


def test_installed_wheel_trains_elsewhere(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--no-deps", "--target", str(site), str(wheel))
    letters = np.random.default_rng(0).choice(list("ACGT"), (90, 40))
    rows = [
        f"{''.join(row)},{number % 2},{('train', 'valid', 'test')[number % 3]}"
        for number, row in enumerate(letters)
    ]
    (tmp_path / "all.csv").write_text("\n".join(["sequence,label,subset", *rows]) + "\n")
    elsewhere = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(site)}}
    where = run(sys.executable, "-c", "import launch; print(launch.__file__)", **elsewhere)
    assert pathlib.Path(where.strip()).is_relative_to(site)
    genokeras = [sys.executable, str(site / "bin" / "genokeras")]
    run(*genokeras, "build_dataset", "--source=csv", "--input=all.csv", "--split_column=subset",
        "--data_dir=data", "--name=mine", **elsewhere)  # fmt: skip
    run(*genokeras, "train", "--data_dir=data", "--preset=tiny", "--workdir=run", "--steps=2",
        "--batch_size=8", **elsewhere)  # fmt: skip
    assert (tmp_path / "run" / "model.keras").exists()
