"""Initial weights that a seed decides."""

import contextlib
import random
from collections.abc import Iterator


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within this context Keras draws the same initial weights; Python's own generator is put back.

    Keras takes the seeds of initialisers from Python's generator.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
