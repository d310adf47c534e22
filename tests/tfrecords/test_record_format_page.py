"""docs/record_format.md says what the writer does, byte for byte."""

import pathlib
import re

import numpy as np
import pytest

from tfrecords import manifest, sequence

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "record_format.md"
SHARD = "demo-train.tfrecord-00000-of-00001"


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text()


@pytest.fixture
def names(page, tmp_path, monkeypatch):
    """Runs the page's Python in an empty folder and returns its variables."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    return names


def test_hex_dump_is_the_record(page, names):
    lines = re.findall(r"^([0-9a-f]{8})  ([0-9a-f ]{48})  \|(.*)\|$", page, re.MULTILINE)
    content = pathlib.Path(SHARD).read_bytes()
    assert b"".join(bytes.fromhex(line[1]) for line in lines) == content
    for number, (offset, _, text) in enumerate(lines):
        assert int(offset, 16) == 16 * number
        part = content[16 * number : 16 * number + 16]
        assert text == "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)


def test_table_of_bytes_is_the_record(page, names):
    rows = re.findall(r"^\| (\d+) \| `([0-9a-f ]+)` \| (.*) \|$", page, re.MULTILINE)
    content = b""
    for offset, digits, meaning in rows:
        assert int(offset) == len(content)
        content += bytes.fromhex(digits)
        if name := re.match(r"\*\*(\w+)\*\*", meaning):
            columns = slice(int(offset), len(content))
            assert names["schema"].columns[name[1]] == columns
    assert content == pathlib.Path(SHARD).read_bytes()
    assert names["schema"].stride == len(content)


def test_numpy_reads_what_the_page_says(names):
    assert sequence.decode(names["packed"], 9) == ["GATTACARN"]
    np.testing.assert_array_equal(
        names["one_hot"], sequence.unpack(names["packed"], 9, ambiguous="one")
    )


def test_table_of_the_alphabet(page):
    codes = dict(re.findall(r"\| ([A-Z-]) \| ([01]{4}) (?=\|)", page))
    assert len(codes) == 16
    for code, bits in codes.items():
        assert sequence.encode([code], 1)[0, 0] >> 4 == int(bits, 2)


def test_every_field_of_the_manifest_is_explained(page):
    table = page[page.index("## The manifest") : page.index("## Fields")]
    fields = set(manifest.Manifest.__dataclass_fields__)
    explained = {
        name
        for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert explained == fields
    assert f"Format version {manifest.FORMAT_VERSION}." in page
