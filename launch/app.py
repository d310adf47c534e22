"""Runs a launcher: parses flags, and turns a user's mistake into one line and exit code 2.

Every launcher is a module with a docstring, flags, and a `main()`; this is the only place that
knows about exit codes. A bug keeps its traceback (exit code 1): only mistakes that the user can
mend (`InputError`, the operating system's refusals, wrong flags) are shortened.
"""

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import NoReturn

from absl import flags

from tfrecords.errors import InputError, suggest

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130


def run(main: Callable[[], None], argv: list[str] | None = None) -> NoReturn:
    """Parses `argv` (default: the command line), calls `main` and exits."""
    argv = sys.argv if argv is None else argv
    module = sys.modules[main.__module__]
    if {"--help", "-help", "-h", "--helpshort", "--helpfull"} & set(argv[1:]):
        print(_help(module))
        sys.exit(0)
    with one_line_endings():
        _parse(argv)
        main()
    sys.exit(0)


@contextlib.contextmanager
def one_line_endings() -> Iterator[None]:
    """Within this context a mistake or Ctrl-C ends the program with one line."""
    try:
        yield
    except KeyboardInterrupt:
        _fail(
            "interrupted; a build or a training goes on when the same command is given again",
            EXIT_INTERRUPTED,
        )
    except (InputError, OSError, flags.Error) as error:
        _fail(_one_line(error), EXIT_MISTAKE)


def _parse(argv: list[str]) -> None:
    try:
        rest = flags.FLAGS(argv)[1:]
    except flags.UnrecognizedFlagError as error:
        guess = suggest(error.flagname, list(flags.FLAGS))
        raise InputError(
            f"unknown flag --{error.flagname}.{guess} --help lists all flags"
        ) from None
    except flags.IllegalFlagValueError as error:
        missing = [name for name in flags.FLAGS if f"Flag --{name} must have a value" in str(error)]
        if not missing:
            raise
        raise InputError(f"--{missing[0]} is missing: give --{missing[0]}=VALUE") from None
    if rest:
        raise InputError(f"unexpected argument {rest[0]!r}: flags are written as --name=value")


def _help(module: types.ModuleType) -> str:
    return f"{module.__doc__.strip()}\n\nFlags:\n{flags.FLAGS.module_help(module)}"


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    return " ".join(str(error).split())


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)
