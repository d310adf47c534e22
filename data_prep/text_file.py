"""Lines of a text file, plain or compressed, with what was read of it: its bytes and sha256."""

import bz2
import difflib
import gzip
import hashlib
import io
import itertools
import os
import pathlib
import zlib
from collections.abc import Iterator

from tfrecords.errors import InputError
from tfrecords.input_copies import local_copy

_BLOCK = 1 << 20
# A block of Zstandard, four bytes at the least, becomes up to 128 kB: these bytes at most 32 MB.
_ZSTD_BLOCK = 1 << 10
_MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".zst": b"\x28\xb5\x2f\xfd"}
_OTHER_MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xfd7zXZ": "an xz archive",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x26\xfc\x8f\x88": "a bigWig file",
    b"\xeb\xf2\x89\x87": "a bigBed file (bigBedToBed makes text of it)",
    b"\x43\x27\x41\x1a": "a 2bit file (twoBitToFa makes FASTA of it)",
    b"CRAM": "a CRAM file",
}
_ENDS_EARLY = "ends in the middle of its compressed data; copy or download it again"
_IS_DAMAGED = "cannot be decompressed; copy or download it again"


class TextFile:
    """A UTF-8 text file, compressed if its name ends in .gz, .bz2 or .zst; also one at a URL.

    Nothing but a quick look at the first bytes happens before it is read. `num_bytes` counts the
    bytes of the file itself, compressed or not, that have been read so far; `sha256` is theirs and,
    in the end, the file's own.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = local_copy(path)
        check_is_file(self.path)
        with self.path.open("rb") as file:
            _check_compression(self.path, file.read(8))
        self._suffix = self.path.suffix.lower()
        if self._suffix == ".zst":
            _zstandard(self.path)
        self._watched = None

    @property
    def name(self) -> str:
        """The file's name without its folder, as it stands in a manifest."""
        return self.path.name

    @property
    def num_bytes(self) -> int:
        return self._watched.num_bytes if self._watched else 0

    @property
    def sha256(self) -> str:
        return self._watched.sha256.hexdigest()

    def lines(self) -> Iterator[str]:
        """Yields every line without its end, from the first one on."""
        for block in self.blocks():
            lines = block.split("\n")
            yield from lines if lines[-1] else lines[:-1]

    def blocks(self) -> Iterator[str]:
        """Yields the text in pieces of whole lines; every line ends with a line feed.

        Raises:
            InputError: The file is damaged, cut short, or not UTF-8 (names the line).
        """
        self._watched = _Watched(self.path.open("rb", buffering=0))
        num_blocks = 0
        try:
            with self._decompressed() as binary:
                for num_blocks, block in enumerate(_whole_lines(binary)):
                    text = block.decode("utf-8")
                    if "\r" in text:
                        text = text.replace("\r\n", "\n").replace("\r", "\n")
                    yield text if num_blocks else text.removeprefix("\ufeff")
                while self._watched.read(_BLOCK):
                    pass
        except UnicodeDecodeError as error:
            line = self._first_line_of(num_blocks) + error.object.count(b"\n", 0, error.start)
            raise InputError(
                f"{self.path}:{line}: not UTF-8 text; save the file as UTF-8"
            ) from None
        except EOFError:
            raise InputError(f"{self.path} {_ENDS_EARLY}") from None
        except (gzip.BadGzipFile, zlib.error):
            raise InputError(f"{self.path} {_IS_DAMAGED}") from None
        except OSError as error:
            # bz2 reports damage as an OSError without a number; those with one are the system's.
            if error.errno is not None:
                raise
            raise InputError(f"{self.path} {_IS_DAMAGED}") from None
        finally:
            self._watched.close()

    def _first_line_of(self, block: int) -> int:
        blocks = itertools.islice(TextFile(self.path).blocks(), block)
        return 1 + sum(text.count("\n") for text in blocks)

    def _decompressed(self) -> io.IOBase:
        if self._suffix == ".gz":
            return gzip.GzipFile(fileobj=io.BufferedReader(self._watched, _BLOCK))
        if self._suffix == ".bz2":
            return bz2.BZ2File(io.BufferedReader(self._watched, _BLOCK))
        if self._suffix == ".zst":
            compressed = io.BufferedReader(self._watched, _BLOCK)
            return io.BufferedReader(_Zstd(compressed, _zstandard(self.path)), _BLOCK)
        return self._watched


def _whole_lines(binary: io.IOBase) -> Iterator[bytes]:
    """Yields all bytes in blocks that end where a line does."""
    rest = b""
    while block := binary.read(_BLOCK):
        # Files of old Macintosh programs end their lines with \r alone; one at the very end of the
        # block may be the first half of \r\n.
        end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
    if rest:
        yield rest


class _Watched(io.RawIOBase):
    """A file whose bytes are counted and hashed as they are read."""

    def __init__(self, raw: io.FileIO):
        self._raw = raw
        self.num_bytes = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        count = self._raw.readinto(buffer)
        self.num_bytes += count
        self.sha256.update(memoryview(buffer)[:count])
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Zstd(io.RawIOBase):
    """Decompressed bytes of Zstandard frames; unlike the package's own reader, minds a cut."""

    def __init__(self, raw: io.BufferedReader, zstandard):
        self._raw, self._zstandard = raw, zstandard
        self._frame, self._ready, self._rest = None, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while not self._ready:
            block = self._rest or self._raw.read(_ZSTD_BLOCK)
            if not block:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._rest = b""
            self._decompress(block)
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress(self, block: bytes) -> None:
        if self._frame is None:
            self._frame = self._zstandard.ZstdDecompressor().decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(block))
        except self._zstandard.ZstdError as error:
            raise OSError(str(error)) from None
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None


def check_is_file(path: pathlib.Path) -> None:
    """Raises an InputError unless there is a file; it suggests one with a name much like it."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a file")
    if not path.exists():
        if "*" in path.name:
            raise InputError(
                f"{path}: no such file; patterns are not expanded here, so give the names of the "
                "files with commas between them"
            )
        names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = difflib.get_close_matches(path.name, names, n=1)
        guess = f" Did you mean {str(path.with_name(nearest[0]))!r}?" if nearest else ""
        raise InputError(f"{path}: there is no such file.{guess}")
    if not os.access(path, os.R_OK):
        raise InputError(
            f"{path}: permission denied to read it; have its owner allow it (chmod u+r)"
        )


def _check_compression(path: pathlib.Path, start: bytes) -> None:
    suffix = path.suffix.lower()
    if not start:
        raise InputError(f"{path} is empty")
    for magic, kind in _OTHER_MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"{path} is {kind}; expected text, plain or as .gz, .bz2 or .zst")
    found = next((name for name, magic in _MAGIC.items() if start.startswith(magic)), None)
    if suffix in _MAGIC and found is None:
        raise InputError(
            f"{path} is named {suffix} but is not compressed that way; "
            "rename it if it is plain text"
        )
    if found is not None and suffix == ".bam":
        raise InputError(f"{path} is a BAM file; expected text, plain or as .gz, .bz2 or .zst")
    if found is not None and found != suffix:
        raise InputError(f"{path} holds {found} data; rename it so that its name ends in {found}")


def _zstandard(path: pathlib.Path):
    try:
        import zstandard
    except ImportError:
        raise InputError(
            f"{path}: reading .zst needs the package zstandard; pip install 'genokeras[prep]'"
        ) from None
    return zstandard
