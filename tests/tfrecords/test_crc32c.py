"""CRC-32C against published values and a bit-by-bit implementation."""

import numpy as np
import pytest

from tfrecords.crc32c import change, crc32c, mask


def bit_by_bit(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# The check value of the algorithm, and the test patterns of RFC 3720, appendix B.4.
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_known_answers(content, expected):
    assert crc32c(np.frombuffer(content, np.uint8)[None]).tolist() == [expected]


@pytest.mark.parametrize("width", [1, 2, 63, 64, 65, 127, 128, 129, 500])
def test_every_row_of_any_width(width):
    rows = np.random.default_rng(width).integers(0, 256, (5, width), dtype=np.uint8)
    assert crc32c(rows).tolist() == [bit_by_bit(row) for row in rows.tolist()]


def test_rows_need_not_be_contiguous():
    wide = np.random.default_rng(0).integers(0, 256, (6, 90), dtype=np.uint8)
    np.testing.assert_array_equal(crc32c(wide[::2, 7:80]), crc32c(wide[::2, 7:80].copy()))


def test_a_very_long_row():
    rows = np.random.default_rng(0).integers(0, 256, (1, 30_001), dtype=np.uint8)
    assert crc32c(rows).tolist() == [bit_by_bit(rows[0].tolist())]


def test_no_rows():
    assert crc32c(np.zeros((0, 70), np.uint8)).shape == (0,)


def test_mask_is_the_one_of_tensorflow():
    # A header of eight zero bytes, as TFRecordWriter writes for an empty record.
    assert mask(crc32c(np.zeros((1, 8), np.uint8))).tobytes() == b"\x29\x03\x98\x07"


@pytest.mark.parametrize("width", [1, 31, 64, 150, 1000])
def test_a_difference_changes_every_row_alike(width):
    rng = np.random.default_rng(width)
    rows, difference = rng.integers(0, 256, (2, 9, width), dtype=np.uint8)
    np.testing.assert_array_equal(crc32c(rows) ^ change(difference), crc32c(rows ^ difference))
    assert change(np.zeros((3, width), np.uint8)).tolist() == [0, 0, 0]
