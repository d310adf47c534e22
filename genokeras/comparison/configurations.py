"""What is to be compared: a text file with a line per configuration, a name and flags of training.

    # What dropout does
    plain                --preset=fast
    dropped --preset=fast --set=dropout={0.1,0.3}

`#` begins a comment. A value `{A,B,...}` stands for as many configurations, and several such values
for all combinations; each name ends in what it has, as `dropped-dropout=0.1`.
"""

import dataclasses
import itertools
import os
import pathlib
import re
import shlex
from collections.abc import Collection, Iterator

from tfrecords.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+=-]*")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.+=-]+")
_CHOICES = re.compile(r"\{([^{}]*)\}")


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One line of the table: its name, its flags, and where in the file it is (`FILE:LINE`)."""

    name: str
    flags: tuple[str, ...]
    place: str


def read(path: str | os.PathLike, reserved: Collection[str] = ()) -> list[Configuration]:
    """Returns the configurations of a file, sweeps expanded, in its order.

    Args:
        path: The file.
        reserved: Names of flags that a line must not have, as they are set for it.

    Raises:
        InputError: There is none in it, a line is not a name and flags, or a name comes twice.
    """
    path, found = pathlib.Path(path), {}
    if not path.is_file():
        raise InputError(f"{path}: no such file; it has a line NAME --flag=value ... per run")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        for configuration in _expanded(line, f"{path}:{number}", reserved):
            other = found.setdefault(configuration.name, configuration)
            if other is not configuration:
                raise InputError(
                    f"{configuration.place}: the name {configuration.name!r} is that of "
                    f"{other.place}; every configuration needs its own"
                )
    if not found:
        raise InputError(f"{path}: no configuration in it; one is a line NAME --flag=value ...")
    return list(found.values())


def check_flags(words: Collection[str], place: str, reserved: Collection[str]) -> None:
    """Raises `InputError` unless all words are `--flag` or `--flag=value`, none reserved."""
    for word in words:
        if not re.match(r"--\w", word):
            raise InputError(f"{place}: {word!r}, expected flags of training as --name=value")
        flag = word[2:].partition("=")[0]
        if flag in reserved:
            raise InputError(f"{place}: --{flag} is set for every run by the comparison itself")


def _expanded(line: str, place: str, reserved: Collection[str]) -> Iterator[Configuration]:
    try:
        name, *words = shlex.split(line, comments=True) or [""]
    except ValueError as error:
        raise InputError(f"{place}: {error}: quotes come in pairs") from None
    if not name:
        return
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{place}: {name!r}, expected a name first, of letters, digits and _ . + = -"
        )
    check_flags(words, place, reserved)
    for chosen in itertools.product(*(_choices(word, place) for word in words)):
        endings = (_NOT_IN_NAMES.sub("_", ending) for _, ending in chosen if ending)
        yield Configuration("-".join([name, *endings]), tuple(flag for flag, _ in chosen), place)


def _choices(word: str, place: str) -> list[tuple[str, str]]:
    """Returns a flag with each of its values, and what the name of a sweep gets from it."""
    fixed = _CHOICES.split(word)[::2]
    if any(brace in part for part in fixed for brace in "{}"):
        raise InputError(f"{place}: {word!r}, expected values to sweep as {{A,B,...}}")
    swept = [choices.split(",") for choices in _CHOICES.findall(word)]
    if not all(choice.strip() for choices in swept for choice in choices):
        raise InputError(f"{place}: {word!r}, a value to sweep is empty")
    flag = fixed[0][2:].removeprefix("set=").partition("=")[0]
    found = []
    for chosen in itertools.product(*swept):
        chosen = [choice.strip() for choice in chosen]
        text = "".join(itertools.chain(*itertools.zip_longest(fixed, chosen, fillvalue="")))
        found.append((text, f"{flag}={'+'.join(chosen)}" if chosen else ""))
    return found
