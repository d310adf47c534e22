"""The checksum of TFRecord files, masked CRC-32C, for all rows of a byte matrix at once.

A CRC is linear over exclusive or: what one byte adds to it depends only on the byte and on how many
bytes follow. So a row's checksum is the exclusive or of one table entry per byte, and no loop runs
over rows. The tables cover 64 bytes; longer rows are taken 64 bytes at a time.

Shapes: `N` rows of `W` bytes. A "register" is the CRC without its initial and final inversion.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed.
_SPAN = 64
_INVERT = np.uint32(0xFFFFFFFF)


def masked_crc32c(rows: np.ndarray) -> np.ndarray:
    """Returns the checksum that TFRecord stores, uint32 `[N]`, of each row of uint8 `[N, W]`."""
    start = np.full(len(rows), _INVERT)
    return mask(feed(start, rows) ^ _INVERT)


def mask(crc: np.ndarray) -> np.ndarray:
    """Rotates and shifts a CRC as TFRecord does, lest data that holds CRCs confuse it."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def unmask(masked: np.ndarray) -> np.ndarray:
    """The inverse of `mask`."""
    rotated = masked - np.uint32(0xA282EAD8)
    return (rotated >> np.uint32(17)) | (rotated << np.uint32(15))


def feed(register: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns the registers, uint32 `[N]`, after the bytes of each row of uint8 `[N, W]`."""
    tables = _tables()
    for start in range(0, rows.shape[1], _SPAN):
        span = rows[:, start : start + _SPAN]
        register = skip(register, span.shape[1])
        for column, table in enumerate(tables[_SPAN - span.shape[1] :]):
            # `clip` spares the check of bounds, which a byte into 256 entries cannot break.
            register ^= table.take(span[:, column], mode="clip")
    return register


def skip(register: np.ndarray, num_bytes: int) -> np.ndarray:
    """Returns the registers, a new array, after `num_bytes` zero bytes."""
    after = np.zeros_like(register)
    for byte, table in enumerate(_skip_tables(num_bytes)):
        after ^= table.take((register >> np.uint32(8 * byte)) & np.uint32(255), mode="clip")
    return after


@functools.cache
def _tables() -> np.ndarray:
    """uint32 `[64, 256]`: what a byte adds to the register that has 63 - row bytes after it."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    tables = [table]
    for _ in range(_SPAN - 1):
        last = tables[-1]
        tables.append((last >> np.uint32(8)) ^ table[last & np.uint32(255)])
    return np.stack(tables[::-1])


@functools.lru_cache(maxsize=1024)
def _skip_tables(num_bytes: int) -> np.ndarray:
    """uint32 `[4, 256]`: what each byte of a register becomes after `num_bytes` zero bytes."""
    registers = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    if num_bytes == 0:
        return registers
    if num_bytes == 1:
        return (registers >> np.uint32(8)) ^ _tables()[-1][registers & np.uint32(255)]
    return skip(skip(registers, num_bytes // 2), num_bytes - num_bytes // 2)
