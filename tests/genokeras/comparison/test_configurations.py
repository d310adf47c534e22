import re

import pytest

from genokeras.comparison.configurations import read
from tfrecords.errors import InputError


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "c.txt").write_text(text)
        return tmp_path / "c.txt"

    return write


def test_lines_comments_and_quotes(file):
    found = read(file("# All\n\nplain --preset=fast  # the first\nb '--set=positions=none'\n"))
    assert [(one.name, one.flags) for one in found] == [
        ("plain", ("--preset=fast",)),
        ("b", ("--set=positions=none",)),
    ]
    assert found[1].place == f"{file('')}:4"


def test_a_sweep_is_one_configuration_per_value_and_combination(file):
    found = read(file("x --steps=9 --set=dropout={0.1,0.3} --learning_rate={1e-3,2e-3}"))
    assert {one.name: one.flags for one in found} == {
        f"x-dropout={a}-learning_rate={b}": (
            "--steps=9", f"--set=dropout={a}", f"--learning_rate={b}",
        )
        for a in ("0.1", "0.3")
        for b in ("1e-3", "2e-3")
    }  # fmt: skip


def test_values_within_a_text_and_paths_make_names_of_folders(file):
    found = read(file("x --set=dense_units={128,64},32\ny --init_from={runs/a,runs/b}"))
    assert [(one.name, one.flags[0]) for one in found] == [
        ("x-dense_units=128", "--set=dense_units=128,32"),
        ("x-dense_units=64", "--set=dense_units=64,32"),
        ("y-init_from=runs_a", "--init_from=runs/a"),
        ("y-init_from=runs_b", "--init_from=runs/b"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": no configuration in it; one is a line NAME --flag=value ..."),
        ("a\n\nb --x=1\na", ":4: the name 'a' is that of {}:1; every configuration needs its own"),
        ("a --x={1,1}", ":1: the name 'a-x=1' is that of {}:1; every configuration needs its own"),
        ("--preset=fast", ":1: '--preset=fast', expected a name first, of letters, digits and "),
        ("a/b --x=1", ":1: 'a/b', expected a name first"),
        ("a --steps 40", ":1: '40', expected flags of training as --name=value"),
        ("a --seed=1", ":1: --seed is set for every run by the comparison itself"),
        ("a '--x=1", ":1: No closing quotation: quotes come in pairs"),
        ("a --x={1,2", ":1: '--x={{1,2', expected values to sweep as {{A,B,...}}"),
        ("a --x={1,}", ":1: '--x={{1,}}', a value to sweep is empty"),
    ],
)
def test_a_bad_line_is_named(file, text, message):
    path = file(text)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}{message.format(path)}")):
        read(path, reserved=("seed",))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"c\.txt: no such file; it has a line NAME --flag=value"):
        read(tmp_path / "c.txt")
