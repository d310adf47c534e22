"""Keeps the start-up messages of native libraries off the terminal."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Holds back what is written to standard error while TensorFlow loads; shows it on failure.

    TensorFlow's libraries write some lines before any setting of theirs can stop them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # Not Ctrl-C, which explains itself.
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
