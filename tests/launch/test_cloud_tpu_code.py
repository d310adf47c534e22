"""The archive for the hosts: the same files, the same bytes; and the commands that use it."""

import os
import subprocess
import tarfile

import pytest

from launch.cloud_tpu_code import EXTRAS, Code
from tests.launch.cloud_tpu_world import FILES, PACKAGES, ROOT
from tfrecords.errors import InputError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout of four packages with one file each."""
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    for package in PACKAGES:
        (root / package / "__pycache__").mkdir(parents=True)
        (root / package / "a.py").write_text(f"# {package}\n")
        (root / package / "__pycache__" / "a.pyc").write_text("compiled")
    for name in FILES:
        (root / name).write_text(name)
    (root / "runs").mkdir()
    (root / "runs" / "large.bin").write_bytes(bytes(1 << 20))
    return root


def test_archive_holds_the_code_and_no_more(root):
    code = Code("jax", root)
    assert not code.path.exists()
    code.write()
    with tarfile.open(code.path) as archive:
        assert archive.getnames() == [*FILES, *(f"{package}/a.py" for package in PACKAGES)]
        assert archive.extractfile("launch/a.py").read() == b"# launch\n"
    assert code.path.stat().st_size < 1 << 16


def test_name_changes_with_the_code_only(root):
    name = Code("jax", root).path
    for path in (root / "launch" / "a.py", root / "setup.py"):
        os.utime(path, (1, 1))
    assert Code("tensorflow", root).path == name
    (root / "launch" / "a.py").write_text("# launch, changed\n")
    assert Code("jax", root).path != name


def test_without_a_checkout(tmp_path):
    with pytest.raises(InputError, match="has no setup.py: launch.cloud_tpu copies a checkout"):
        Code("jax", tmp_path)


def test_commands_run_in_the_environment_of_the_engine(root):
    jax, tensorflow = Code("jax", root), Code("tensorflow", root)
    sha = jax.path.name.removeprefix("genokeras-").removesuffix(".tar.gz")
    assert jax.host("status") == (
        f"KERAS_BACKEND=jax genokeras/{sha}-jax/venv/bin/python -m launch.cloud_tpu_host status"
    )
    assert tensorflow.host("start", "train", "--set=a b") == (
        f"KERAS_BACKEND=tensorflow genokeras/{sha}-tensorflow/venv/bin/python -m "
        "launch.cloud_tpu_host start train '--set=a b'"
    )


@pytest.mark.parametrize("engine", EXTRAS)
def test_install_is_of_an_extra_that_exists_and_stops_at_the_first_failure(root, tmp_path, engine):
    for extra in (EXTRAS[engine], "gcs"):
        assert f'"{extra}": [' in (ROOT / "setup.py").read_text()
    code = Code(engine, root)
    assert f"--editable '.[{EXTRAS[engine]},gcs]'" in code.install()
    code.write()
    home = tmp_path / "home"
    home.mkdir()
    (home / code.path.name).write_bytes(code.path.read_bytes())
    done = subprocess.run(
        ["bash", "-c", code.install()],
        cwd=home, env={"HOME": str(home), "PATH": "/usr/bin:/bin"} | {"PIP_NO_INDEX": "1"},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert len(list(home.glob("genokeras/*/launch/a.py"))) == 1
    assert list(home.glob("genokeras/*/installed")) == []
