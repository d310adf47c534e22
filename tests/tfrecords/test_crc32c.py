"""CRC-32C against published values and a bit-by-bit implementation."""

import numpy as np
import pytest

from tfrecords import crc32c


def plain(rows):
    return crc32c.unmask(crc32c.masked_crc32c(rows))


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
    assert plain(np.frombuffer(content, np.uint8)[None]).tolist() == [expected]


@pytest.mark.parametrize("width", [1, 2, 63, 64, 65, 127, 128, 129, 500])
def test_every_row_of_any_width(width):
    rows = np.random.default_rng(width).integers(0, 256, (5, width), dtype=np.uint8)
    assert plain(rows).tolist() == [bit_by_bit(row) for row in rows.tolist()]


def test_rows_need_not_be_contiguous():
    wide = np.random.default_rng(0).integers(0, 256, (6, 90), dtype=np.uint8)
    np.testing.assert_array_equal(plain(wide[::2, 7:80]), plain(wide[::2, 7:80].copy()))


def test_mask_is_the_one_of_tensorflow():
    # A header of eight zero bytes, as TFRecordWriter writes for an empty record.
    assert crc32c.masked_crc32c(np.zeros((1, 8), np.uint8)).tobytes() == b"\x29\x03\x98\x07"


def test_unmask_is_the_inverse_of_mask():
    crc = np.random.default_rng(1).integers(0, 1 << 32, 1000, dtype=np.uint32)
    np.testing.assert_array_equal(crc32c.unmask(crc32c.mask(crc)), crc)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 1000, 100_003])
def test_skip_is_feeding_zeros(count):
    register = np.array([0, 1, 0x80000000, 0xDEADBEEF], np.uint32)
    zeros = np.zeros((len(register), count), np.uint8)
    np.testing.assert_array_equal(crc32c.skip(register, count), crc32c.feed(register, zeros))


def test_feeding_in_two_pieces_is_feeding_at_once():
    rows = np.random.default_rng(2).integers(0, 256, (4, 300), dtype=np.uint8)
    start = np.zeros(4, np.uint32)
    halves = crc32c.feed(crc32c.feed(start, rows[:, :101]), rows[:, 101:])
    np.testing.assert_array_equal(halves, crc32c.feed(start, rows))
    assert start.tolist() == [0, 0, 0, 0]
