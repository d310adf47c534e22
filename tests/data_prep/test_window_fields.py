"""What a record holds of a window, compared with the text of the genome."""

import numpy as np
import pytest

from data_prep.genome import open_genome
from data_prep.intervals import Intervals
from data_prep.window_fields import (
    WindowFields,
    finding_lines,
    left_out_lines,
    window_findings,
)
from tfrecords import sequence
from tfrecords.errors import InputError

TEXT = "ACGTTgcaNNacGTACGGTTacctRYA"


@pytest.fixture
def genome(write, tmp_path):
    return open_genome(write("g.fa", f">I\n{TEXT}\n"), cache_dir=tmp_path / "cache")


def test_windows_on_either_strand_with_flanks(genome, reverse_complement):
    fields = WindowFields(window_bp=7, shift_bp=2, keep_softmask=True)
    windows = Intervals([0, 0], [5, 5], [12, 12], strand=[1, -1])
    found = fields.read(genome, windows)
    text = TEXT[3:14]
    forward, backward = sequence.decode(found["sequence"], 11)
    assert (forward, backward) == (text.upper(), reverse_complement(text.upper()))
    is_small = [letter.islower() for letter in text]
    bits = np.unpackbits(found["repeat"], axis=1, count=11).astype(bool)
    assert bits.tolist() == [is_small, is_small[::-1]]
    assert found["start"].tolist() == [5, 5]
    assert found["strand"].tolist() == [1, -1]
    for feature in fields.features:
        assert found[feature.name].dtype == feature.dtype
        assert found[feature.name].shape == (2, *feature.shape)


def test_a_window_without_bases_is_refused():
    with pytest.raises(InputError, match=r"--window_bp=0, expected 1 to"):
        WindowFields(0)
    with pytest.raises(InputError, match=r"--shift_bp=-1, expected 0 to"):
        WindowFields(10, -1)


def test_lines_say_how_many_were_left_out():
    assert list(left_out_lines({"on the blacklist": 1234})) == [
        "Windows left out, on the blacklist: 1,234."
    ]


def test_findings_in_words():
    assert list(finding_lines({})) == list(finding_lines(window_findings({}, 0))) == []
    assert list(finding_lines(window_findings({"on the blacklist": 2}, 3))) == [
        "Regions merged with another one: 3.",
        "Windows left out, on the blacklist: 2.",
    ]
