"""Progress of long work: a bar with rate and time left on a terminal, plain lines in a log.

Library functions take `progress: Callable[[str, int], Bar] | None` and never print; launchers pass
`progress.start`, and everything that is not a terminal gets a line every ten seconds at most.
"""

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


class Bar(Protocol):
    """What library code sees of a progress bar."""

    def update(self, advance: int = 1, **values: float) -> None:
        """Moves on by `advance` items; `values` are shown beside the bar."""

    def close(self) -> None:
        """Ends the bar; what is on the screen stays."""


def log(line: str) -> None:
    """Prints a line on the standard output at once, also where that is a file."""
    print(line, flush=True)


def start(description: str, total: int, completed: int = 0) -> Bar:
    """Returns a bar for `total` items of which `completed` are done (a resumed run)."""
    kind = _TerminalBar if sys.stderr.isatty() else _LogBar
    return kind(description, total, completed)


def _format(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


class _Rate:
    """Items a second since the first update: what is done once before it, as compiling, is no rate.

    `per_second` is None until there has been a second update.
    """

    def __init__(self):
        self.per_second: float | None = None
        self._items, self._first_update = 0, None

    def update(self, advance: int, now: float) -> None:
        if self._first_update is None:
            self._first_update = now
        else:
            self._items += advance
            self.per_second = self._items / max(now - self._first_update, 1e-9)


class _TerminalBar:
    def __init__(self, description: str, total: int, completed: int):
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=Console(stderr=True),
        )
        self._rate = _Rate()
        self._progress.start()
        self._task = self._progress.add_task(
            description, total=total, completed=completed, rate="", values=""
        )

    def update(self, advance: int = 1, **values: float) -> None:
        self._rate.update(advance, time.monotonic())
        fields = {"values": _format(values)} if values else {}
        if self._rate.per_second is not None:
            fields["rate"] = f"{self._rate.per_second:,.1f}/s"
        self._progress.update(self._task, advance=advance, **fields)

    def close(self) -> None:
        self._progress.stop()


class _LogBar:
    def __init__(self, description: str, total: int, completed: int):
        self._description, self._total, self._done = description, total, completed
        self._rate = _Rate()
        self._printed = time.monotonic()
        self._values: dict[str, float] = {}

    def update(self, advance: int = 1, **values: float) -> None:
        now = time.monotonic()
        self._rate.update(advance, now)
        self._done += advance
        self._values.update(values)
        if now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print()
            self._printed = now

    def close(self) -> None:
        if sys.exception() is None:  # After a mistake the one line about it is all that is printed.
            self._print()

    def _print(self) -> None:
        parts = [f"{self._description}: {self._done}/{self._total}"]
        if rate := self._rate.per_second:
            parts += [f"{rate:,.1f}/s", f"{(self._total - self._done) / rate:.0f} s left"]
        parts += filter(None, [_format(self._values)])
        print("  ".join(parts), file=sys.stderr, flush=True)
