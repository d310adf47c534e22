"""Progress on a terminal and in a log."""

import io
import re

import pytest

from launch import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_log_gets_a_last_line_with_count_and_values(capsys):
    bar = progress.start("Writing shards", 3, completed=1)
    bar.update(loss=0.25)
    bar.update()
    bar.close()
    line = capsys.readouterr().err
    assert re.fullmatch(r"Writing shards: 3/3  [\d,.]+/s  0 s left  loss 0\.25\n", line)


def test_log_gets_no_line_when_a_mistake_ends_the_work(capsys):
    bar = progress.start("Reading", 3)
    try:
        raise ValueError("row 1")
    except ValueError:
        bar.close()
    assert capsys.readouterr().err == ""


def test_log_gets_a_line_every_ten_seconds_at_most(capsys, monkeypatch):
    clock = iter(range(100))  # One second passes between two looks at the clock.
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    bar = progress.start("Training", 30)
    for _ in range(25):
        bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["10/30", "20/30"]


@pytest.mark.parametrize("shown", ["Training", "2/4", "loss 0.5"])
def test_terminal_bar_shows_count_and_values(monkeypatch, shown):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    bar = progress.start("Training", 4)
    bar.update(2, loss=0.5)
    bar.close()
    assert shown in terminal.getvalue()
