"""`genokeras NAME [--flag=value ...]` runs a launcher, the same as `python -m launch.NAME`."""

import ast
import importlib
import pathlib
import sys

from launch import app
from tfrecords.errors import InputError, suggest

_NOT_LAUNCHERS = (
    *("__init__", "app", "cache_flags", "cli", "cloud_tpu_code", "cloud_tpu_gcloud"),
    *("cloud_tpu_host", "cloud_tpu_job", "cloud_tpu_machine", "compare_check", "compare_runs"),
    *("compare_table", "genome_coverage", "genome_flags", "model_help", "progress", "quiet"),
    *("runner_flags", "scoring", "split_flags", "tfds_flags", "variant_scores"),
)


def main() -> None:
    """Entry point of the console script."""
    launchers = available()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h", "help"):
        with app.one_line_endings():
            print(__doc__ + "\nLaunchers (genokeras NAME --help tells more):")
            print("\n".join(f"  {name:16} {summary}" for name, summary in launchers.items()))
        sys.exit(0)
    with app.one_line_endings():
        if name not in launchers:
            known, guess = ", ".join(launchers), suggest(name, launchers)
            raise InputError(f"no launcher {name!r}; there are {known}.{guess}")
        # Loading NumPy takes long enough to be interrupted.
        launcher = importlib.import_module(f"launch.{name}")
    app.run(launcher.main, sys.argv[1:])


def available() -> dict[str, str]:
    """Returns the launchers' names and the first line of each docstring, importing none."""
    folder = pathlib.Path(__file__).parent
    return {
        path.stem: ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
        for path in sorted(folder.glob("*.py"))
        if path.stem not in _NOT_LAUNCHERS
    }
