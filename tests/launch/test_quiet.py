import os

import pytest

from launch import quiet


def chatter(text):
    """Writes as a native library does, past Python's own stream."""
    os.write(2, text.encode())


def test_chatter_while_loading_is_not_seen(capfd):
    with quiet.loading():
        chatter("I0000 custom operations are on\n")
    chatter("later\n")
    assert capfd.readouterr().err == "later\n"


def fail():
    chatter("libcudart.so: wrong ELF class\n")
    raise ImportError


def test_it_is_seen_when_loading_fails(capfd):
    with pytest.raises(ImportError), quiet.loading():
        fail()
    assert capfd.readouterr().err == "libcudart.so: wrong ELF class\n"
