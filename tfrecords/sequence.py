"""DNA text <-> packed bits <-> one-hot; the only place where the alphabet lives.

Shapes: `N` sequences of `L` bases. Packed: uint8 `[N, ceil(L/2)]`, four bits a base, one bit per
channel in the order A, C, G, T: A=1000, C=0100, G=0010, T=0001, an IUPAC code is the union of its
bases (N=1111), and 0000 (text `-`) is padding. So unpacked bits are the one-hot matrix, and the
reverse complement is the bit string read backwards. Pure NumPy.
"""

from collections.abc import Sequence

import numpy as np

from tfrecords.errors import InputError

# Position in this string = the nibble. 0 is padding; A=8, C=4, G=2, T=1, and unions of these.
_LETTERS = "-TGKCYSBAWRDMHVN"
_NOT_A_CODE = 255
_AMBIGUOUS = ("zero", "mean", "one")


def _nibble_of_letter() -> bytes:
    table = bytearray([_NOT_A_CODE]) * 256
    for nibble, letter in enumerate(_LETTERS):
        table[ord(letter)] = table[ord(letter.lower())] = nibble
    table[ord("U")] = table[ord("u")] = _LETTERS.index("T")
    return bytes(table)


_NIBBLE_OF_LETTER = _nibble_of_letter()
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_LETTER_OF_NIBBLE = np.frombuffer(_LETTERS.encode(), np.uint8)
# Base 0..3 of the nibbles that are one base, and 4 for all others: padding and IUPAC codes.
_BASE_OF_NIBBLE = np.full(16, 4, np.int32)
_BASE_OF_NIBBLE[[8, 4, 2, 1]] = range(4)


def packed_width(length: int) -> int:
    """Returns the bytes that `length` bases take."""
    return (length + 1) // 2


def encode(sequences: Sequence[str | bytes], length: int) -> np.ndarray:
    """Packs texts of `length` letters: IUPAC codes in either case, U for T, `-` for padding.

    Returns:
        uint8 `[N, ceil(length/2)]`. ACG becomes 1000 0100, 0010 0000.

    Raises:
        InputError: A text of another length, or a letter that is no IUPAC code.
    """
    sizes = np.fromiter(map(len, sequences), np.int64, len(sequences))
    if (wrong := np.flatnonzero(sizes != length)).size:
        row = wrong[0]
        raise InputError(f"row {row}: the sequence has {sizes[row]} bases, expected {length}")
    nibbles = np.frombuffer(_text(sequences).translate(_NIBBLE_OF_LETTER), np.uint8)
    nibbles = nibbles.reshape(len(sequences), length)
    if nibbles.size and nibbles.max() == _NOT_A_CODE:
        row, position = np.argwhere(nibbles == _NOT_A_CODE)[0]
        letter = sequences[row][position : position + 1]
        raise InputError(
            f"row {row}, position {position}: {letter!r} is no base and no IUPAC code "
            f"(known: ACGTU, {''.join(sorted(_LETTERS[1:]))}, and - for padding)"
        )
    packed = nibbles[:, 0::2] << 4
    packed[:, : length // 2] |= nibbles[:, 1::2]
    return packed


def decode(packed: np.ndarray, length: int) -> list[str]:
    """Returns the upper-case text of packed sequences `[N, ceil(length/2)]`; padding is `-`."""
    if length == 0:
        return [""] * len(packed)
    letters = np.ascontiguousarray(_LETTER_OF_NIBBLE[_nibbles(packed, length)])
    return letters.view(f"S{length}")[:, 0].astype(f"U{length}").tolist()


def unpack(packed: np.ndarray, length: int, ambiguous: str = "zero") -> np.ndarray:
    """Returns the one-hot matrix, float32 `[..., length, 4]`, of packed sequences.

    Args:
        packed: uint8 `[..., ceil(length/2)]`.
        length: Bases per sequence.
        ambiguous: What an IUPAC code of several bases becomes: `zero`; `mean`, equal shares that
            sum to one; or `one`, a one for every base it may be. Padding is always zero.
    """
    if ambiguous not in _AMBIGUOUS:
        raise InputError(f"ambiguous={ambiguous!r}, expected one of {', '.join(_AMBIGUOUS)}")
    channels = np.unpackbits(np.arange(16, dtype=np.uint8)[:, None] << 4, axis=1)[:, :4]
    bases = channels.sum(axis=1, keepdims=True)
    weight = {"zero": bases == 1, "mean": 1 / np.maximum(bases, 1), "one": np.ones((16, 1))}
    return (channels * weight[ambiguous]).astype(np.float32)[_nibbles(packed, length)]


def reverse_complement(
    packed: np.ndarray, length: int, rows: np.ndarray | None = None
) -> np.ndarray:
    """Returns the opposite strand, read 5' to 3', of packed sequences.

    Args:
        packed: uint8 `[..., ceil(length/2)]`; `[N, ceil(length/2)]` if `rows` is given.
        length: Bases per sequence.
        rows: bool `[N]`: only these are turned, the others are copied as they are.
    """
    if rows is not None:
        turned = packed.copy()
        turned[rows] = reverse_complement(packed[rows], length)
        return turned
    # bytes.translate is twice as fast as a NumPy table lookup, and tobytes() does the reversal.
    flipped = bytearray(packed[..., ::-1].tobytes().translate(_REVERSED_BITS))
    flipped = np.frombuffer(flipped, np.uint8).reshape(packed.shape)
    return flipped if length % 2 == 0 else _shift_left_one_nibble(flipped)


def crop(packed: np.ndarray, length: int, start: int | np.ndarray, window: int) -> np.ndarray:
    """Returns a window of every sequence: bases `start` to `start + window`, packed anew.

    The centre of sequences that have `shift_bp` bases beside it on either side is
    `crop(packed, length, shift_bp, length - 2 * shift_bp)`. GATTACA from 2, three bases, is TTA.

    Args:
        packed: uint8 `[N, ceil(length/2)]`.
        length: Bases per sequence.
        start: First base of the windows, one number for all or int `[N]`.
        window: Bases of a window.

    Returns:
        uint8 `[N, ceil(window/2)]`; a half byte left over is zero.

    Raises:
        InputError: A window that reaches past the ends of its sequence.
    """
    starts = np.asarray(start)
    if window < 1 or (starts.size and not 0 <= starts.min() <= starts.max() <= length - window):
        shown = f"from {starts.min()} to {starts.max()}" if starts.ndim else f"at {start}"
        raise InputError(f"windows of {window} bases {shown} of sequences of {length} bases")
    width = packed_width(window)
    first, is_odd = starts >> 1, (starts & 1).astype(bool)
    # One byte more than is there: read for the last half byte of a window, but never used.
    padded = np.pad(packed, ((0, 0), (0, 1)))
    if starts.ndim:
        columns = first[:, None] + np.arange(width + 1)
        read = np.take_along_axis(padded, columns, axis=1)
    else:
        read = padded[:, first : first + width + 1]
    shifted = read[:, :-1] << 4 | read[:, 1:] >> 4
    cropped = np.where(is_odd[..., None], shifted, read[:, :-1])
    if window % 2:
        cropped[:, -1] &= 0xF0
    return cropped


def canonical(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns, of each sequence and its reverse complement, the one whose bytes sort first.

    So both strands of a sequence have one canonical form: `[N, ceil(length/2)]` as `packed`.
    """
    opposite = reverse_complement(packed, length)
    first_difference = (packed != opposite).argmax(axis=1)[:, None]
    is_larger = np.take_along_axis(packed, first_difference, axis=1) > np.take_along_axis(
        opposite, first_difference, axis=1
    )
    return np.where(is_larger, opposite, packed)


def kmer_ids(packed: np.ndarray, length: int, k: int) -> np.ndarray:
    """Returns the number of every k-mer, int32 `[N, length - k + 1]`.

    A=0, C=1, G=2, T=3 are digits in base four, the first base the most significant: for k=2, AC is
    1 and CA is 4. A window with anything but A, C, G and T is -1.
    """
    if not 1 <= k <= min(length, 15):
        raise InputError(f"k={k}, expected 1 to {min(length, 15)} for sequences of {length} bases")
    bases = _BASE_OF_NIBBLE[_nibbles(packed, length)]
    windows = length - k + 1
    ids = np.zeros((len(packed), windows), np.int32)
    is_unknown = np.zeros(ids.shape, bool)
    for offset in range(k):
        base = bases[:, offset : offset + windows]
        is_unknown |= base == 4
        ids *= 4
        ids += base
    ids[is_unknown] = -1
    return ids


def kmer_texts(ids: np.ndarray, k: int) -> list[str]:
    """Returns the letters of k-mers, given their numbers `[K]`, none of them -1."""
    digits = np.asarray(ids)[:, None] // 4 ** np.arange(k - 1, -1, -1) % 4
    return ["".join("ACGT"[digit] for digit in row) for row in digits]


def canonical_kmers(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pairs of a k-mer and its reverse complement: the smaller and the larger number.

    Both are int32, one number for each pair; a k-mer that is its own reverse complement stands in
    both. There are 10 pairs of dinucleotides and 2080 of 6-mers.
    """
    kmers = np.arange(4**k, dtype=np.int32)
    digits = kmers[:, None] // 4 ** np.arange(k) % 4
    opposites = ((3 - digits) @ 4 ** np.arange(k - 1, -1, -1)).astype(np.int32)
    smaller = kmers <= opposites
    return kmers[smaller], opposites[smaller]


def pair_of_kmer(k: int) -> np.ndarray:
    """Returns the place of every k-mer in `canonical_kmers`, int32 `[4**k]`."""
    places = np.empty(4**k, np.int32)
    for kmers in canonical_kmers(k):
        places[kmers] = np.arange(len(kmers))
    return places


def gc_content(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns the share of G and C among the bases A, C, G, T, `[N]`; NaN where there is none."""
    # A 1-mer's number is its base; -1 is padding or an ambiguous base.
    bases = kmer_ids(packed, length, 1)
    known = np.count_nonzero(bases >= 0, axis=1)
    gc = np.count_nonzero((bases == 1) | (bases == 2), axis=1)
    return np.where(known, gc / np.maximum(known, 1), np.nan)


def replace_bases(packed: np.ndarray, length: int, bases: np.ndarray) -> np.ndarray:
    """Returns the sequences with other bases, where `bases` has one.

    Args:
        packed: uint8 `[N, ceil(length/2)]`.
        length: Bases per sequence.
        bases: Integers `[N, length]`, A=0, C=1, G=2, T=3 as `kmer_ids` gives them for k=1; where it
            is negative, the sequence stays as it is.
    """
    nibbles = np.zeros((len(packed), 2 * packed.shape[1]), np.uint8)
    nibbles[:, :length] = np.where(
        bases < 0, _nibbles(packed, length), 8 >> np.maximum(bases, 0).astype(np.uint8)
    )
    return nibbles[:, 0::2] << 4 | nibbles[:, 1::2]


def _nibbles(packed: np.ndarray, length: int) -> np.ndarray:
    """Returns one byte, 0 to 15, per base: uint8 `[..., length]`."""
    nibbles = np.empty((*packed.shape, 2), np.uint8)
    nibbles[..., 0] = packed >> 4
    nibbles[..., 1] = packed & 15
    return nibbles.reshape(*packed.shape[:-1], 2 * packed.shape[-1])[..., :length]


def _shift_left_one_nibble(packed: np.ndarray) -> np.ndarray:
    shifted = packed << 4
    shifted[..., :-1] |= packed[..., 1:] >> 4
    return shifted


def _text(sequences: Sequence[str | bytes]) -> bytes:
    """Joins the sequences; a letter outside ASCII becomes `?`, which is no base."""
    if any(isinstance(text, bytes) for text in sequences[:1]):
        return b"".join(sequences)
    return "".join(sequences).encode("ascii", errors="replace")
