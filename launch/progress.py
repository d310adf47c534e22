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


def start(description: str, total: int, completed: int = 0) -> Bar:
    """Returns a bar for `total` items of which `completed` are done (a resumed run)."""
    kind = _TerminalBar if sys.stderr.isatty() else _LogBar
    return kind(description, total, completed)


def _format(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


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
        self._started, self._done = time.monotonic(), 0
        self._progress.start()
        self._task = self._progress.add_task(
            description, total=total, completed=completed, rate="", values=""
        )

    def update(self, advance: int = 1, **values: float) -> None:
        self._done += advance
        rate = self._done / max(time.monotonic() - self._started, 1e-9)
        fields = {"rate": f"{rate:,.1f}/s"} | ({"values": _format(values)} if values else {})
        self._progress.update(self._task, advance=advance, **fields)

    def close(self) -> None:
        self._progress.stop()


class _LogBar:
    def __init__(self, description: str, total: int, completed: int):
        self._description, self._total, self._done = description, total, completed
        self._first = completed
        self._started = self._printed = time.monotonic()
        self._values: dict[str, float] = {}

    def update(self, advance: int = 1, **values: float) -> None:
        self._done += advance
        self._values.update(values)
        if time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print()

    def close(self) -> None:
        if sys.exception() is None:  # After a mistake the one line about it is all that is printed.
            self._print()

    def _print(self) -> None:
        self._printed = time.monotonic()
        rate = (self._done - self._first) / max(self._printed - self._started, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        print(
            f"{self._description}: {self._done}/{self._total}  {rate:,.1f}/s  "
            f"{left:.0f} s left  {_format(self._values)}".rstrip(),
            file=sys.stderr,
            flush=True,
        )
