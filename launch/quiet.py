"""Loads Keras and TensorFlow without their messages, and without what nobody asked for."""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

from tfrecords.errors import InputError

# Keras tries to import these for wrappers and plots that no launcher uses: a second and more.
_NEEDLESS = ("matplotlib", "pandas", "sklearn")


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Loads Keras, and holds back what is written to standard error meanwhile; see `held_back`."""
    with held_back():
        with _hidden(_NEEDLESS):
            importlib.import_module("keras")
        yield


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Holds back what is written to standard error; shows it on failure.

    TensorFlow's libraries write some lines before any setting of theirs can stop them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except InputError:  # It says all there is to say.
            raise
        except Exception:  # Not Ctrl-C, which explains itself.
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


@contextlib.contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Within this context the packages cannot be imported, unless they have been before."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
