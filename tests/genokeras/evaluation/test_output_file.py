"""Where predictions may be written, and what is never replaced."""

import os

import pytest

from genokeras.evaluation import output_file
from tfrecords.errors import InputError


def write(path, text="new\n"):
    with output_file.open_text(output_file.check(path)) as file:
        file.write(text)


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "real.tsv").write_text("old\n")
    (tmp_path / "link.tsv").symlink_to(tmp_path / "real.tsv")
    write(tmp_path / "link.tsv")
    assert (tmp_path / "link.tsv").is_symlink()
    assert (tmp_path / "real.tsv").read_text() == "new\n"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(os.devnull)])
def test_a_pipe_or_a_device_is_refused(tmp_path, make):
    make(tmp_path / "out")
    with pytest.raises(InputError, match="out is a device or a pipe, expected the name of a file"):
        output_file.check(tmp_path / "out")
    assert not (tmp_path / "out").is_file()


def test_nothing_is_left_of_a_file_that_failed(tmp_path):
    def fail():
        with output_file.open_text(output_file.check(tmp_path / "out.tsv")) as file:
            file.write("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(tmp_path.iterdir()) == []
