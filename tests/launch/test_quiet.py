import os
import subprocess
import sys

import pytest

from launch import quiet
from tfrecords.errors import InputError


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


def test_it_is_not_seen_where_the_error_says_what_is_wrong(capfd):
    def refuse():
        chatter("I0000 custom operations are on\n")
        raise InputError

    with pytest.raises(InputError), quiet.held_back():
        refuse()
    assert capfd.readouterr().err == ""


def test_keras_loads_without_what_it_only_tries_to_import():
    """They load later, if asked for, and a plain import of Keras would have loaded them."""
    names = "{'matplotlib', 'pandas', 'sklearn'}"
    check = (
        f"import sys; from launch import quiet\n"
        f"with quiet.loading(): import keras\n"
        f"print(sorted({names} & set(sys.modules)))\n"
        f"import sklearn.linear_model; print('loaded')\n"
    )
    plain = f"import keras, sys; print(sorted({names} & set(sys.modules)))"
    printed = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for code in (check, plain)
    ]
    assert printed[0].stdout.splitlines() == ["[]", "loaded"]
    assert printed[1].stdout.splitlines() != ["[]"]
