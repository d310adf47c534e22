import builtins
import subprocess
import sys

import pytest

from genokeras.plots import figure
from tfrecords.errors import InputError


def test_a_picture_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    picture, _ = figure.panels(1)
    figure.save(picture, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")

    def fail(path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(picture, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        figure.save(picture, tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.jpg", r"a.jpg: a picture ends in .png, .svg, .pdf"),
        ("a", r"a: a picture ends in .png, .svg, .pdf"),
        ("none/a.png", "none: no such folder; expected the name of a picture in a folder"),
        ("b.png", "b.png is a folder; expected the name of a picture"),
    ],
)
def test_a_file_that_could_not_be_written_is_refused_before_any_work(tmp_path, name, message):
    (tmp_path / "b.png").mkdir()
    figure.check_can_save(tmp_path / "a.PNG")
    with pytest.raises(InputError, match=message):
        figure.check_can_save(tmp_path / name)


def test_titles_leave_room_for_the_legend():
    _, (ax,) = figure.panels(1)
    figure.title(ax, "Labels")
    (line,) = ax.plot([0, 1])
    figure.legend_above(ax, [line], ["model"])
    assert ax.get_title(loc="left") == "Labels"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["model"]


def test_panels_are_row_by_row():
    _, panels = figure.panels(columns=2, rows=3)
    assert [ax.get_subplotspec().get_geometry()[2] for ax in panels] == list(range(6))


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(InputError, match=r"pip install 'genokeras\[plot\]'"):
        figure.panels(1)


def test_drawing_leaves_the_notebooks_pyplot_alone(tmp_path):
    """No backend is chosen, no figure is registered, and nothing is imported before drawing."""
    code = f"""
import sys
from genokeras.plots import roc_pr
assert "matplotlib" not in sys.modules
import numpy as np
roc_pr.draw_roc_pr([roc_pr.Curve("m", np.array([0., 1]), np.array([0, 1]))], "{tmp_path}/a.png")
assert "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [r"$\foo$ and $x_1$", "a$b", "per%cent_{x}^2"])
def test_names_are_no_formulas(tmp_path, name):
    """Matplotlib reads what stands between two dollars as TeX, and raises where it is none."""
    picture, (ax,) = figure.panels(1)
    ax.set(title=name, xlabel=name)
    ax.plot([1, 1000], [1, 2], label=name)
    ax.set_yticks([1, 2], [name, name])
    ax.legend()
    ax.set_xscale("log")
    figure.save(picture, tmp_path / "a.svg")
    ticks = [tick.label1 for tick in ax.xaxis.get_major_ticks()]
    powers = [tick for tick in ticks if tick.get_text() == r"$\mathdefault{10^{2}}$"]
    assert powers[0].get_parse_math(), "what matplotlib writes itself stays a formula"
    shown = [ax.title, ax.xaxis.label, *ax.get_legend().get_texts(), *ax.get_yticklabels()]
    assert [text.get_text() for text in shown] == [name] * 5
    assert not any(text.get_parse_math() and "$" in name for text in shown)


def test_a_matplotlib_that_cannot_be_loaded_is_none(monkeypatch):
    assert figure.is_available()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not figure.is_available()
