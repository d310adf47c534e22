"""The one exception for what a user can mend, and what is said of misspelt names."""

import difflib
from collections.abc import Collection, Iterable


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line: what was given, what was expected, where (file and line, or shard and
    record), and the way out. Launchers print it without a traceback and exit with code 2.
    """


def suggest(name: str, candidates: Iterable[str]) -> str:
    """Returns ` Did you mean 'x'?` for the candidate nearest to `name`, or an empty string."""
    nearest = difflib.get_close_matches(name, list(candidates), n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""


def check_known(what: str, name: str, known: Collection[str], title: str) -> None:
    """Raises an InputError unless a name is known; it lists those that are, and suggests one.

    Args:
        what: Begins the message, as `no model`.
        name: What was given.
        known: What there is.
        title: Stands before all that is known, as `Models`.
    """
    if name not in known:
        raise InputError(f"{what} {name!r}.{suggest(name, known)} {title}: {', '.join(known)}")
