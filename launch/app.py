"""Runs a launcher: parses flags, and turns a user's mistake into one line and exit code 2.

Every launcher is a module with a docstring, flags, and a `main()`; this is the only place that
knows about exit codes. A bug keeps its traceback (exit code 1): only mistakes that the user can
mend (`InputError`, the operating system's refusals, wrong flags) are shortened.

Help lists the flags as they are defined, also those of the modules in `FLAG_MODULES`. A launcher
with very many says which of them belong together, `FLAG_GROUPS` (titles to names), and with
`more_help(argv)` it adds what flags can be. The `main` of a launcher with `TAKES_LINE` is given the
words after `--`, which are of another launcher.
"""

import contextlib
import ctypes
import functools
import os
import re
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from absl import flags

from genokeras.training.stopping import HostLost, Stopped
from tfrecords.errors import InputError, suggest

EXIT_MISTAKE = 2
EXIT_AGAIN = 75  # Schedulers take it for: the same command may succeed later.
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141  # As of any program that writes to a pipe nobody reads any more.

_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def run(main: Callable[..., None], argv: list[str] | None = None) -> NoReturn:
    """Parses `argv` (default: the command line), calls `main` and exits."""
    argv = sys.argv if argv is None else argv
    module = sys.modules[main.__module__]
    lines = []
    if getattr(module, "TAKES_LINE", False):
        end = argv.index("--") if "--" in argv else len(argv)
        argv, lines = argv[:end], [argv[end + 1 :]]
    with _waiting_for_nobody(), one_line_endings():
        if {"--help", "-help", "-h", "--helpshort", "--helpfull"} & set(argv[1:]):
            print(_help(module, argv))
        else:
            parse(argv)
            main(*lines)
    sys.exit(0)


@contextlib.contextmanager
def one_line_endings() -> Iterator[None]:
    """Within this context a mistake, Ctrl-C or SIGTERM ends the program with one line.

    It ends in silence when nobody reads on, as behind `| head`.
    """
    try:
        yield
        sys.stdout.flush()  # What cannot be written is found here, not when Python ends.
    except Stopped as stopped:
        is_ctrl_c = stopped.signal == signal.SIGINT
        _end(str(stopped), EXIT_INTERRUPTED if is_ctrl_c else EXIT_AGAIN)
    except HostLost as error:
        _fail(_one_line(error), EXIT_AGAIN)
    except KeyboardInterrupt:
        _fail(
            "interrupted; a build or a training goes on when the same command is given again",
            EXIT_INTERRUPTED,
        )
    except BrokenPipeError:
        _drop_output()
        sys.exit(EXIT_UNREAD)
    except (InputError, OSError, flags.Error) as error:
        _fail(_one_line(error), EXIT_MISTAKE)


def start_again_when_aborted() -> None:
    """From now on a process of several that is aborted ends as if it had raised `HostLost`.

    When the first process is gone, a thread of JAX's in the others aborts them, and no exception
    tells; Python's own handlers of signals come too late, after `abort`.
    """
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGABRT, ctypes.cast(_abort_handler(), ctypes.c_void_p))


@functools.cache  # It has to outlive the call.
def _abort_handler() -> Any:
    def aborted(_: int) -> None:
        if _is_one_of_several():  # Else it returns, and `abort` goes on.
            os.write(2, f"error: {HostLost()}\n".encode())
            os._exit(EXIT_AGAIN)

    return ctypes.CFUNCTYPE(None, ctypes.c_int)(aborted)


@contextlib.contextmanager
def _waiting_for_nobody() -> Iterator[None]:
    """Within this context an error ends a process of several at once, with the code it would have.

    Else JAX waits, when Python ends, for others that may be gone or in the middle of a step, and
    then aborts.
    """
    try:
        yield
    except BaseException as error:
        if not _is_one_of_several():
            raise
        code = error.code if isinstance(error, SystemExit) else 1
        if not isinstance(error, SystemExit):
            traceback.print_exception(error)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _is_one_of_several() -> bool:
    """Whether JAX has joined this process to others; without JAX it has not."""
    devices = sys.modules.get("genokeras.training.jax_devices")
    return devices is not None and devices.is_joined()


def parse(argv: list[str]) -> None:
    """Parses the flags of `argv`, of which the first word is the program.

    Raises:
        InputError: They are wrong.
        flags.Error: Likewise.
    """
    try:
        rest = flags.FLAGS(argv)[1:]
    except flags.UnrecognizedFlagError as error:
        guess = suggest(error.flagname, list(flags.FLAGS))
        raise InputError(
            f"unknown flag --{error.flagname}.{guess} --help lists all flags"
        ) from None
    except flags.IllegalFlagValueError as error:
        raise InputError(_wrong_value(str(error))) from None
    except ValueError as error:  # absl's own, of --noFLAG=VALUE.
        raise InputError(str(error)) from None
    for name in flags.FLAGS:
        if flags.FLAGS[name].value == "" and _is_required(flags.FLAGS[name]):
            raise InputError(f"--{name} is empty: give --{name}=VALUE")
    if rest:
        raise InputError(f"unexpected argument {rest[0]!r}: flags are written as --name=value")


def _is_required(flag: flags.Flag) -> bool:
    """Whether absl would refuse to do without the flag: then no empty text is of use either."""
    return any("must have a value" in validator.message for validator in flag.validators)


def _wrong_value(message: str) -> str:
    """Returns what absl says of a flag's value, in plainer words where there are any."""
    if missing := re.match(r"flag --(\w+)=None: Flag --\1 must have a value", message):
        return f"--{missing[1]} is missing: give --{missing[1]}=VALUE"
    if choice := re.match(r"flag --(\w+)=(.*): value should be one of <(.*)>", message, re.S):
        name, value, known = choice[1], choice[2], choice[3].split("|")
        return f"--{name}={value}: expected one of {', '.join(known)}.{suggest(value, known)}"
    given = re.match(r"flag --(\w+)=(.*): \W*(invalid|could not|Non-bool)", message, re.S)
    if given is None:
        return message
    return f"--{given[1]}={given[2]}: expected {_KINDS[flags.FLAGS[given[1]].flag_type()]}"


def _help(module: types.ModuleType, argv: list[str]) -> str:
    defined_in = (module, *getattr(module, "FLAG_MODULES", ()))
    own = {f.name: f for other in defined_in for f in flags.FLAGS.get_flags_for_module(other)}
    groups = getattr(module, "FLAG_GROUPS", {})
    grouped = {name for names in groups.values() for name in names}
    parts = [module.__doc__.strip()]
    for title, names in ({"Flags": [n for n in own if n not in grouped]} | groups).items():
        parts.append("\n".join([f"{title}:", *(_flag_help(own[name]) for name in names)]))
    if hasattr(module, "more_help"):
        parts.append(module.more_help(argv))
    return "\n\n".join(parts)


def _flag_help(flag: flags.Flag) -> str:
    name = f"[no]{flag.name}" if flag.boolean else flag.name
    text = flag.help.partition(";\n    repeat this option")[0]  # What absl adds, in our words.
    if flag.default not in (None, "", []):
        text += f" (default: {flag.default_as_str[1:-1]})"
    return flags.text_wrap(f"--{name}: {text}", indent="      ", firstline_indent="  ")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}"
    return " ".join(str(error).split())


def _fail(message: str, code: int) -> NoReturn:
    _end(f"error: {message}", code)


def _end(line: str, code: int) -> NoReturn:
    print(line, file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Lets go of what is left to print: Python would try once more at the end, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
