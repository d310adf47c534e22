import subprocess
import sys

import numpy as np

from genokeras.training import process_memory

PRINT = "from genokeras.training import process_memory; print(process_memory.peak_bytes())"


def test_peak_is_that_of_this_process_and_not_of_the_one_that_started_it():
    """`ru_maxrss` of a process begins with that of its parent."""
    size = 400_000_000
    before = process_memory.peak_bytes()
    held = np.ones(size, np.uint8)
    assert process_memory.peak_bytes() >= max(before, held.nbytes)
    started = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, check=True)
    assert 1_000_000 < int(started.stdout) < size / 2


def test_system_that_does_not_say_is_not_guessed_for(monkeypatch, tmp_path):
    monkeypatch.setattr(process_memory, "_STATUS", tmp_path / "none")
    assert process_memory.peak_bytes() is None
