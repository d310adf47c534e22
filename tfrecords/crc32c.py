"""The checksum of TFRecord files, masked CRC-32C, for all rows of a byte matrix at once.

A CRC is affine over exclusive or: what two bytes change in it depends only on them and on how many
bytes follow. So a row is cut into spans of at most 64 bytes; the change of each is the exclusive or
of one table entry per pair of bytes, and those of neighbours are joined until one is left. No loop
runs over rows or bytes. (Tables of pairs are large, but packed DNA uses few of their entries, which
stay in the processor's cache.)

Shapes: `N` rows of `W` bytes, uint8 `[N, W]`; a CRC for each, uint32 `[N]`.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed.
_SPAN = 64
_INVERT = np.uint32(0xFFFFFFFF)


def crc32c(rows: np.ndarray) -> np.ndarray:
    """Returns the CRC-32C of each row."""
    start = np.full(len(rows), _INVERT)
    return _skip(start, rows.shape[1]) ^ change(rows) ^ _INVERT


def mask(crc: np.ndarray) -> np.ndarray:
    """Rotates and shifts a CRC as TFRecord does, lest data that holds CRCs confuse it."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def change(difference: np.ndarray) -> np.ndarray:
    """Returns `crc32c(a ^ difference) ^ crc32c(a)`, which is the same for every `a`.

    Zeros in front of a difference change nothing: spans and pairs are filled up with such.
    """
    num_rows, num_bytes = difference.shape
    num_spans = max(1, -(-num_bytes // _SPAN))
    span = 2 * -(-num_bytes // (2 * num_spans))
    filled = np.zeros((num_rows, num_spans * span), np.uint8)
    filled[:, num_spans * span - num_bytes :] = difference
    pairs = filled.view("<u2").reshape(num_rows * num_spans, span // 2)
    changes = np.zeros(num_rows * num_spans, np.uint32)
    for pair, table in zip(pairs.T, _pair_tables()[(_SPAN - span) // 2 :], strict=True):
        # `clip` spares the check of bounds, which 16 bits into 65536 entries cannot break.
        changes ^= table.take(pair, mode="clip")
    changes = changes.reshape(num_rows, num_spans)
    while changes.shape[1] > 1:
        if changes.shape[1] % 2:
            changes = np.concatenate([np.zeros_like(changes[:, :1]), changes], axis=1)
        changes = _skip(changes[:, 0::2], span) ^ changes[:, 1::2]
        span *= 2
    return changes[:, 0]


def _skip(changes: np.ndarray, num_bytes: int) -> np.ndarray:
    """Returns what changes become when `num_bytes` zero bytes follow."""
    by_byte = np.ascontiguousarray(changes, "<u4").view(np.uint8).reshape(*changes.shape, 4)
    after = np.zeros(changes.shape, np.uint32)
    for byte, table in enumerate(_skip_tables(num_bytes)):
        after ^= table.take(by_byte[..., byte], mode="clip")
    return after


@functools.cache
def _byte_tables() -> np.ndarray:
    """uint32 `[64, 256]`: what a byte changes that has 63 - `row` bytes after it."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    tables = [table]
    for _ in range(_SPAN - 1):
        last = tables[-1]
        tables.append((last >> np.uint32(8)) ^ table[last & np.uint32(255)])
    return np.stack(tables[::-1])


@functools.cache
def _pair_tables() -> np.ndarray:
    """uint32 `[32, 65536]`: the same for two bytes; the first is the low half of the number."""
    tables = _byte_tables()
    return (tables[1::2, :, None] ^ tables[0::2, None, :]).reshape(_SPAN // 2, -1)


@functools.lru_cache(maxsize=1024)
def _skip_tables(num_bytes: int) -> np.ndarray:
    """uint32 `[4, 256]`: what each byte of a change becomes when `num_bytes` zero bytes follow."""
    changes = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    if num_bytes == 0:
        return changes
    if num_bytes == 1:
        return (changes >> np.uint32(8)) ^ _byte_tables()[-1][changes & np.uint32(255)]
    return _skip(_skip(changes, num_bytes // 2), num_bytes - num_bytes // 2)
