"""Tables and sequences for the tests of data_prep."""

import gzip

import numpy as np
import pyBigWig
import pytest

COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")


@pytest.fixture
def reverse_complement():
    """The opposite strand of a text, letter by letter, as a biologist would write it."""
    return lambda text: text.translate(COMPLEMENT)[::-1]


@pytest.fixture
def random_sequences():
    def make(count, length, seed=0, letters="ACGT"):
        drawn = np.random.default_rng(seed).choice(list(letters), (count, length))
        return ["".join(row) for row in drawn]

    return make


@pytest.fixture
def write(tmp_path):
    """Writes a text to a file in a temporary folder, compressed if the name says so."""

    def write_text(name, text):
        path = tmp_path / name
        content = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write_text


@pytest.fixture
def bigwig(tmp_path):
    """Writes a bigWig of intervals (chromosome, start, end, value) and gives its path."""

    def write_bigwig(name, chroms, intervals):
        path = tmp_path / name
        with pyBigWig.open(str(path), "w") as file:
            file.addHeader(list(chroms.items()))
            if intervals:
                names, starts, ends, values = map(list, zip(*intervals, strict=True))
                file.addEntries(names, starts, ends=ends, values=list(map(float, values)))
        return path

    return write_bigwig
