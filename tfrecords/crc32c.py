"""The checksum of TFRecord files, masked CRC-32C, for all rows of a byte matrix at once.

A CRC is linear over exclusive or: what two bytes add to it depends only on them and on how many
bytes follow. So a row is cut into spans of at most 32 bytes; the CRC of each is the exclusive or of
one table entry per pair of bytes, and those of neighbours are joined until one is left. No loop
runs over rows or bytes. (Tables of pairs are large, but packed DNA uses few of their entries, which
stay in the processor's cache.)

Shapes: `N` rows of `W` bytes. A "register" is the CRC without its initial and final inversion.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed.
_SPAN = 32
_INVERT = np.uint32(0xFFFFFFFF)


def masked_crc32c(rows: np.ndarray) -> np.ndarray:
    """Returns the checksum that TFRecord stores, uint32 `[N]`, of each row of uint8 `[N, W]`."""
    return mask(feed(np.full(len(rows), _INVERT), rows) ^ _INVERT)


def mask(crc: np.ndarray) -> np.ndarray:
    """Rotates and shifts a CRC as TFRecord does, lest data that holds CRCs confuse it."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def unmask(masked: np.ndarray) -> np.ndarray:
    """The inverse of `mask`."""
    rotated = masked - np.uint32(0xA282EAD8)
    return (rotated >> np.uint32(17)) | (rotated << np.uint32(15))


def feed(register: np.ndarray, rows: np.ndarray, zeros_before: int = 0) -> np.ndarray:
    """Returns the registers, uint32 `[N]`, after the bytes of each row of uint8 `[N, W]`.

    Args:
        register: The registers before.
        rows: The bytes.
        zeros_before: Number of zero bytes to take before those of `rows`.
    """
    return skip(register, zeros_before + rows.shape[1]) ^ _from_zero(rows)


def skip(register: np.ndarray, num_bytes: int) -> np.ndarray:
    """Returns the registers, a new array, after `num_bytes` zero bytes."""
    after = np.zeros_like(register)
    for byte, table in enumerate(_skip_tables(num_bytes)):
        after ^= table.take((register >> np.uint32(8 * byte)) & np.uint32(255), mode="clip")
    return after


def _from_zero(rows: np.ndarray) -> np.ndarray:
    """Returns the registers, uint32 `[N]`, that start as zero, after the bytes of each row.

    Zeros in front make no difference to them: spans and pairs are filled up with such.
    """
    num_rows, num_bytes = rows.shape
    num_spans = max(1, -(-num_bytes // _SPAN))
    span = 2 * -(-num_bytes // (2 * num_spans))
    filled = np.zeros((num_rows, num_spans * span), np.uint8)
    filled[:, num_spans * span - num_bytes :] = rows
    pairs = filled.view("<u2").reshape(num_rows * num_spans, span // 2)
    registers = np.zeros(num_rows * num_spans, np.uint32)
    for pair, table in zip(pairs.T, _pair_tables()[(_SPAN - span) // 2 :], strict=True):
        # `clip` spares the check of bounds, which 16 bits into 65536 entries cannot break.
        registers ^= table.take(pair, mode="clip")
    registers = registers.reshape(num_rows, num_spans)
    while registers.shape[1] > 1:
        if registers.shape[1] % 2:
            registers = np.concatenate([np.zeros_like(registers[:, :1]), registers], axis=1)
        registers = skip(registers[:, 0::2], span) ^ registers[:, 1::2]
        span *= 2
    return registers[:, 0]


@functools.cache
def _byte_tables() -> np.ndarray:
    """uint32 `[32, 256]`: what a byte adds to the register that has 31 - `row` bytes after it."""
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
    """uint32 `[16, 65536]`: the same for two bytes; the first is the low half of the number."""
    tables = _byte_tables()
    return (tables[1::2, :, None] ^ tables[0::2, None, :]).reshape(_SPAN // 2, -1)


@functools.lru_cache(maxsize=1024)
def _skip_tables(num_bytes: int) -> np.ndarray:
    """uint32 `[4, 256]`: what each byte of a register becomes after `num_bytes` zero bytes."""
    registers = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    if num_bytes == 0:
        return registers
    if num_bytes == 1:
        return (registers >> np.uint32(8)) ^ _byte_tables()[-1][registers & np.uint32(255)]
    return skip(skip(registers, num_bytes // 2), num_bytes - num_bytes // 2)
