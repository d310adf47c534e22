"""Progress on a terminal and in a log."""

import io
import re
import types

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


def test_what_is_done_before_the_first_item_is_no_rate(capsys, monkeypatch):
    """As compiling: 100 seconds for the first item, 2 for each of the others."""
    clock = iter([0.0, 100.0, 102.0, 104.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    bar = progress.start("Training", 10)
    for _ in range(3):
        bar.update(loss=0.5)
    bar.close()
    assert capsys.readouterr().err.splitlines() == [
        "Training: 1/10  loss 0.5",
        "Training: 3/10  0.5/s  14 s left  loss 0.5",
    ]


def test_log_gets_a_line_every_ten_seconds_at_most(capsys, monkeypatch):
    clock = iter(range(100))  # One second passes between two looks at the clock.
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    bar = progress.start("Training", 30)
    for _ in range(25):
        bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["10/30", "20/30"]


def test_terminal_bar_shows_count_rate_and_values(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    # The first item takes 100 seconds, the second one 2.
    clock = iter([100.0, 102.0])
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    bar = progress.start("Training", 4)
    bar.update(1, loss=0.25)
    bar.update(1, loss=0.5)
    bar.close()
    for shown in ("Training", "2/4", "0.5/s", "loss 0.5"):
        assert shown in terminal.getvalue()


def test_a_line_goes_to_the_standard_output(capsys):
    progress.log("Devices: CPU")
    assert capsys.readouterr() == ("Devices: CPU\n", "")
