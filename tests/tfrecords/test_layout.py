"""The bytes of a record, taken apart by hand: nothing here uses the code under test to read."""

import numpy as np
import pytest

from tfrecords.crc32c import crc32c, mask
from tfrecords.layout import Layout


def read_varint(content):
    """Returns a number and the bytes after it, as the protobuf specification says."""
    number = 0
    for index, byte in enumerate(content):
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number, content[index + 1 :]
    raise AssertionError("no end")


def read_message(content):
    """Returns the (field number, value) pairs of a message that has only bytes values."""
    fields = []
    while content:
        assert content[0] & 7 == 2
        size, rest = read_varint(content[1:])
        fields.append((content[0] >> 3, rest[:size]))
        content = rest[size:]
    return fields


def read_example(content):
    """Returns the names and values of an Example."""
    ((_, features),) = read_message(content)
    entries = [dict(read_message(entry)) for _, entry in read_message(features)]
    return {
        entry[1].decode(): read_message(read_message(entry[2])[0][1])[0][1] for entry in entries
    }


@pytest.mark.parametrize("sizes", [{"a": 1}, {"a": 3, "b": 127, "c": 128}, {"x": 20_000}])
def test_template_is_an_example_of_zeros(sizes):
    template = Layout(sizes).template.tobytes()
    assert int.from_bytes(template[:8], "little") == len(template) - 16
    assert read_example(template[12:-4]) == {name: bytes(size) for name, size in sizes.items()}


def test_columns_are_where_the_values_are():
    layout = Layout({"a": 2, "longer_name": 5})
    record = layout.template.copy()
    record[layout.columns["a"]] = [1, 2]
    record[layout.columns["longer_name"]] = [5, 4, 3, 2, 1]
    assert read_example(record.tobytes()[12:-4]) == {
        "a": b"\x01\x02",
        "longer_name": b"\x05\x04\x03\x02\x01",
    }


def test_stamp_writes_the_checksum_of_the_example():
    layout = Layout({"a": 100, "b": 7, "c": 300})
    records = np.tile(layout.template, (9, 1))
    rng = np.random.default_rng(0)
    for columns in layout.columns.values():
        records[:, columns] = rng.integers(0, 256, records[:, columns].shape)
    layout.stamp(records)
    expected = mask(crc32c(records[:, 12:-4]))
    np.testing.assert_array_equal(records[:, -4:].copy().view("<u4")[:, 0], expected)
    np.testing.assert_array_equal(
        records[:, 8:12].copy().view("<u4")[:, 0], mask(crc32c(records[:, :8]))
    )
    assert layout.damaged(records).size == 0


def test_the_template_is_whole_and_cannot_be_changed():
    layout = Layout({"a": 4})
    assert layout.damaged(layout.template[None]).size == 0
    with pytest.raises(ValueError, match="read-only"):
        layout.template[0] = 1


def test_damaged_finds_the_records():
    layout = Layout({"a": 4})
    records = np.tile(layout.template, (6, 1))
    records[1, 0] ^= 1
    records[4, layout.columns["a"].start] ^= 128
    assert layout.damaged(records).tolist() == [1, 4]
