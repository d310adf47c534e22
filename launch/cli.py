"""`genokeras NAME [--flag=value ...]` runs a launcher, the same as `python -m launch.NAME`."""

import ast
import importlib
import pathlib
import sys

from launch import app
from tfrecords.errors import suggest

_NOT_LAUNCHERS = ("__init__", "app", "cli", "model_help", "progress", "quiet")


def main() -> None:
    """Entry point of the console script."""
    launchers = available()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("--help", "-h", "help"):
        print(__doc__ + "\nLaunchers (genokeras NAME --help tells more):")
        print("\n".join(f"  {name:16} {summary}" for name, summary in launchers.items()))
        sys.exit(0)
    if name not in launchers:
        guess = suggest(name, launchers)
        known = ", ".join(launchers)
        print(f"error: no launcher {name!r}; there are {known}.{guess}", file=sys.stderr)
        sys.exit(app.EXIT_MISTAKE)
    with app.one_line_endings():  # Loading NumPy takes long enough to be interrupted.
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
