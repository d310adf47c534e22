"""The bytes of one record: a `tf.train.Example` in a TFRecord frame, everything at a fixed place.

A frame is: uint64 length of the Example, its masked CRC-32C, the Example, its masked CRC-32C; all
little-endian. As every field is one bytes value of a fixed size, all records of a dataset differ
only in the bytes of the fields and in the last four. docs/record_format.md shows one byte by byte.

Shapes: `N` records, uint8 `[N, stride]`.
"""

from collections.abc import Mapping

import numpy as np

from tfrecords.crc32c import change, crc32c, mask

_HEADER_BYTES = 12
_CHECKSUM_BYTES = 4
_LENGTH_DELIMITED = 2  # The protobuf wire type of strings, bytes and messages.


class Layout:
    """Places of the fields in a record, and its checksums.

    Attributes:
        stride: Bytes of a record.
        template: The whole record, uint8 `[stride]`, whose fields are zero; read-only.
        columns: The bytes of every field within a record.
    """

    def __init__(self, field_bytes: Mapping[str, int]):
        """Lays out fields of so many bytes in the order given, which must be sorted by name."""
        example, ends = _example(field_bytes)
        header = np.frombuffer(len(example).to_bytes(8, "little"), np.uint8)
        body = np.frombuffer(example, np.uint8)
        checksums = [_as_bytes(mask(crc32c(piece[None])))[0] for piece in (header, body)]
        self.template = np.concatenate([header, checksums[0], body, checksums[1]])
        self.template.flags.writeable = False
        self.stride = len(self.template)
        self.columns = {
            name: slice(_HEADER_BYTES + ends[name] - size, _HEADER_BYTES + ends[name])
            for name, size in field_bytes.items()
        }
        self._fixed_bits = np.full(self.stride, 255, np.uint8)
        for columns in self.columns.values():
            self._fixed_bits[columns] = 0
        # The bytes of the Example from the first field on: those before it never differ.
        first_field = min(columns.start for columns in self.columns.values())
        self._variable = slice(first_field, self.stride - _CHECKSUM_BYTES)
        self._crc_of_template = crc32c(body[None])

    def stamp(self, records: np.ndarray) -> None:
        """Writes the checksums of the Examples into the records' last four bytes."""
        difference = records[:, self._variable] ^ self.template[self._variable]
        records[:, -_CHECKSUM_BYTES:] = self._stored_crc(difference)

    def damaged(self, records: np.ndarray) -> np.ndarray:
        """Returns the indices of records with a wrong byte, whichever byte it is."""
        difference = records ^ self.template
        stored_crc = self._stored_crc(difference[:, self._variable])
        difference &= self._fixed_bits
        difference[:, -_CHECKSUM_BYTES:] = records[:, -_CHECKSUM_BYTES:] ^ stored_crc
        return np.flatnonzero(difference.any(axis=1)) if difference.any() else np.empty(0, int)

    def _stored_crc(self, difference: np.ndarray) -> np.ndarray:
        """Returns the checksums, uint8 `[N, 4]`, of Examples that differ so from the template."""
        return _as_bytes(mask(self._crc_of_template ^ change(difference)))


def _example(field_bytes: Mapping[str, int]) -> tuple[bytes, dict[str, int]]:
    """Returns an Example whose fields are zero, and where the value of every field ends.

    Example { Features features = 1 }, Features { map<string, Feature> feature = 1 }, which is a
    list of { string key = 1; Feature value = 2 }, Feature { BytesList bytes_list = 1 } and
    BytesList { repeated bytes value = 1 }.
    """
    features, ends = b"", {}
    for name, size in field_bytes.items():
        feature = _tagged(1, _tagged(1, bytes(size)))
        features += _tagged(1, _tagged(1, name.encode()) + _tagged(2, feature))
        ends[name] = len(features)
    example = _tagged(1, features)
    start = len(example) - len(features)
    return example, {name: start + end for name, end in ends.items()}


def _tagged(number: int, value: bytes) -> bytes:
    """Returns a length-delimited protobuf field."""
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    """Returns a number as protobuf writes lengths: seven bits a byte, the lowest first."""
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _as_bytes(crc: np.ndarray) -> np.ndarray:
    return crc.astype("<u4").view(np.uint8).reshape(-1, _CHECKSUM_BYTES)
