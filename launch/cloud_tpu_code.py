"""The code of this checkout for the hosts of a TPU: one archive, and the commands that use it.

The same files give the same archive, whose name has their sha256: a host that has installed it
installs nothing. It lies in `~/genokeras/SHA` there, with an environment of its own, since the
Python of the images (3.10) is too old.
"""

import gzip
import hashlib
import io
import os
import pathlib
import shlex
import tarfile

from tfrecords.cache import cache_root
from tfrecords.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
_PACKAGES = ("tfrecords", "data_prep", "genokeras", "launch")
_PYTHON = "3.12"
# The extra of setup.py for each engine.
EXTRAS = {"jax": "jax-tpu", "tensorflow": "tpu"}


class Code:
    """The files of this checkout, packed.

    Args:
        engine: One of `EXTRAS`.
        root: The checkout.

    Raises:
        InputError: There is no checkout, as when only the wheel is installed.
    """

    def __init__(self, engine: str, root: pathlib.Path = _ROOT):
        if missing := [name for name in _FILES if not (root / name).is_file()]:
            raise InputError(
                f"{root} has no {missing[0]}: launch.cloud_tpu copies a checkout of the project; "
                "run it from one"
            )
        self._archive, self._engine = _pack(root), engine
        sha = hashlib.sha256(self._archive).hexdigest()[:12]
        self._folder = f"genokeras/{sha}-{engine}"
        self.path = cache_root() / "cloud_tpu" / f"genokeras-{sha}.tar.gz"

    def write(self) -> None:
        """Writes the archive to `path`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(self._archive)
        partial.replace(self.path)

    def install(self) -> str:
        """Returns the shell command that installs the uploaded archive on a host."""
        uv, extra = "~/.local/bin/uv", shlex.quote(f".[{EXTRAS[self._engine]},gcs]")
        steps = [
            f"tar -xzf ~/{self.path.name}",
            # Newer images guard the packages of their Python against pip.
            "PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet --user uv",
            "rm -rf venv",
            f"{uv} venv --quiet --python={_PYTHON} venv",
            f"{uv} pip install --quiet --python=venv/bin/python --editable {extra}",
            "touch installed",
        ]
        enter = f"mkdir -p {self._folder} && cd {self._folder}"
        return f"{enter} && {{ [ -e installed ] || {{ {' && '.join(steps)}; }}; }}"

    def host(self, *words: str) -> str:
        """Returns the shell command that runs `launch.cloud_tpu_host` on a host."""
        python = f"{self._folder}/venv/bin/python"
        line = shlex.join(["-m", "launch.cloud_tpu_host", *words])
        return f"KERAS_BACKEND={self._engine} {python} {line}"


def _pack(root: pathlib.Path) -> bytes:
    paths = [root / name for name in _FILES]
    for package in _PACKAGES:
        found = (root / package).rglob("*")
        paths += sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)
    raw = io.BytesIO()
    # No times and no owners: the same files are to give the same bytes.
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for path in paths:
            info = tarfile.TarInfo(path.relative_to(root).as_posix())
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    return gzip.compress(raw.getvalue(), mtime=0)
