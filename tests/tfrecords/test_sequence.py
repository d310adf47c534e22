"""Facts about DNA: the alphabet, its complements, and the bits that stand for them."""

import numpy as np
import pytest

from tfrecords import sequence
from tfrecords.errors import InputError

# Written out from the IUPAC nomenclature (Cornish-Bowden 1985), not derived from the code.
BASES = {
    **{"A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT"},
    **{"K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT"},
}
COMPLEMENT = dict(zip("ACGTRYSWKMBDHVN-", "TGCAYRSWMKVHDBN-", strict=True))
LENGTHS = [1, 2, 3, 8, 15, 64, 101]


def random_texts(num_rows, length, letters="ACGTRYSWKMBDHVN-"):
    rng = np.random.default_rng(length)
    return ["".join(row) for row in rng.choice(list(letters), (num_rows, length))]


def opposite(text):
    return "".join(COMPLEMENT[letter] for letter in reversed(text))


def test_bytes_of_acgt_are_one_bit_per_base():
    assert sequence.encode(["ACGT"], 4).tolist() == [[0b1000_0100, 0b0010_0001]]


def test_odd_length_leaves_the_last_nibble_empty():
    packed = sequence.encode(["ACN"], 3)
    assert packed.tolist() == [[0b1000_0100, 0b1111_0000]]
    assert packed.shape == (1, sequence.packed_width(3))


@pytest.mark.parametrize("letter", BASES)
def test_a_code_is_the_union_of_its_bases(letter):
    (one_hot,) = sequence.unpack(sequence.encode([letter], 1), 1, ambiguous="one")
    assert {"ACGT"[channel] for channel in np.flatnonzero(one_hot[0])} == set(BASES[letter])


def test_unpacked_bits_are_the_one_hot_matrix():
    packed = sequence.encode(["GATTACA"], 7)
    bits = np.unpackbits(packed[0], count=4 * 7).reshape(7, 4)
    assert "".join("ACGT"[channel] for channel in bits.argmax(axis=1)) == "GATTACA"
    np.testing.assert_array_equal(sequence.unpack(packed, 7)[0], bits)


@pytest.mark.parametrize("length", LENGTHS)
def test_text_survives_packing(length):
    texts = random_texts(50, length)
    assert sequence.decode(sequence.encode(texts, length), length) == texts


def test_lower_case_uracil_and_bytes_are_read():
    expected = sequence.encode(["ACGTTNR-"], 8)
    for spelling in ("acgttnr-", "ACGUUNR-", "acguunr-", b"ACGTUnr-"):
        np.testing.assert_array_equal(sequence.encode([spelling], 8), expected)


def test_no_sequences_and_no_bases_are_fine():
    assert sequence.encode([], 5).shape == (0, 3)
    assert sequence.decode(np.zeros((2, 0), np.uint8), 0) == ["", ""]


@pytest.mark.parametrize("length", LENGTHS)
def test_reverse_complement_equals_the_table(length):
    texts = random_texts(50, length)
    turned = sequence.reverse_complement(sequence.encode(texts, length), length)
    assert sequence.decode(turned, length) == [opposite(text) for text in texts]


def test_all_codes_complement():
    text = "".join(COMPLEMENT)
    turned = sequence.reverse_complement(sequence.encode([text], 16), 16)
    assert sequence.decode(turned, 16) == ["-NBDHVKMWSRYACGT"]


@pytest.mark.parametrize("length", LENGTHS)
def test_reverse_complement_is_its_own_inverse(length):
    packed = sequence.encode(random_texts(20, length), length)
    before = packed.copy()
    twice = sequence.reverse_complement(sequence.reverse_complement(packed, length), length)
    np.testing.assert_array_equal(twice, packed)
    np.testing.assert_array_equal(packed, before)


@pytest.mark.parametrize("length", [6, 7])
def test_only_the_rows_asked_for_are_turned(length):
    texts = random_texts(30, length)
    rows = np.random.default_rng(0).random(30) < 0.5
    turned = sequence.reverse_complement(sequence.encode(texts, length), length, rows)
    expected = [opposite(t) if flip else t for t, flip in zip(texts, rows, strict=True)]
    assert sequence.decode(turned, length) == expected


@pytest.mark.parametrize("length", [6, 7])
def test_reverse_complement_reverses_both_axes_of_the_one_hot_matrix(length):
    packed = sequence.encode(random_texts(10, length), length)
    turned = sequence.unpack(sequence.reverse_complement(packed, length), length, "one")
    np.testing.assert_array_equal(turned, sequence.unpack(packed, length, "one")[:, ::-1, ::-1])


@pytest.mark.parametrize("length", [8, 9])
@pytest.mark.parametrize("window", [1, 4, 5, 8])
def test_a_crop_is_a_slice_of_the_text(length, window):
    texts = random_texts(40, length)
    packed = sequence.encode(texts, length)
    starts = np.random.default_rng(0).integers(0, length - window + 1, 40)
    expected = [text[start : start + window] for text, start in zip(texts, starts, strict=True)]
    found = sequence.crop(packed, length, starts, window)
    np.testing.assert_array_equal(found, sequence.encode(expected, window))
    for start in range(length - window + 1):
        expected = sequence.encode([text[start : start + window] for text in texts], window)
        np.testing.assert_array_equal(sequence.crop(packed, length, start, window), expected)


def test_the_centre_of_the_opposite_strand_is_the_opposite_strand_of_the_centre():
    packed = sequence.encode(random_texts(20, 15), 15)
    turned = sequence.reverse_complement(packed, 15)
    centre = sequence.crop(packed, 15, 4, 7)
    np.testing.assert_array_equal(
        sequence.crop(turned, 15, 4, 7), sequence.reverse_complement(centre, 7)
    )


def test_crops_of_nothing_and_of_everything():
    packed = sequence.encode(["GATTACA"], 7)
    assert sequence.crop(packed[:0], 7, np.zeros(0, int), 3).shape == (0, 2)
    assert sequence.kmer_ids(packed[:0], 7, 2).shape == (0, 6)
    np.testing.assert_array_equal(sequence.crop(packed, 7, 0, 7), packed)


@pytest.mark.parametrize(
    ("start", "window", "message"),
    [
        (5, 3, "windows of 3 bases at 5 of sequences of 7 bases"),
        (-1, 3, "windows of 3 bases at -1 of sequences of 7 bases"),
        (0, 0, "windows of 0 bases at 0 of sequences of 7 bases"),
        (np.array([0, 5]), 3, "windows of 3 bases from 0 to 5 of sequences of 7 bases"),
    ],
)
def test_a_window_that_reaches_past_its_sequence(start, window, message):
    with pytest.raises(InputError, match=message):
        sequence.crop(sequence.encode(["GATTACA"] * 2, 7), 7, start, window)


@pytest.mark.parametrize("length", [7, 8])
def test_other_bases_stand_where_they_are_given(length):
    packed = sequence.encode(["GATTACAN"[:length]], length)
    bases = np.array([[3, -1, 0, 1, 2, -1, 3, -1][:length]])
    found = sequence.replace_bases(packed, length, bases)
    np.testing.assert_array_equal(found, sequence.encode(["TAACGCTN"[:length]], length))
    assert sequence.decode(packed, length) == ["GATTACAN"[:length]]


def test_single_letters_replaced_by_themselves_change_nothing():
    packed = sequence.encode(random_texts(20, 9), 9)
    letters = sequence.kmer_ids(packed, 9, 1)
    np.testing.assert_array_equal(sequence.replace_bases(packed, 9, letters), packed)


def test_ambiguous_bases_as_model_input():
    packed = sequence.encode(["ARN-"], 4)
    zero, mean, one = (sequence.unpack(packed, 4, kind)[0] for kind in ("zero", "mean", "one"))
    assert zero.tolist() == [[1, 0, 0, 0], [0] * 4, [0] * 4, [0] * 4]
    assert mean.tolist() == [[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0.25] * 4, [0] * 4]
    assert one.tolist() == [[1, 0, 0, 0], [1, 0, 1, 0], [1] * 4, [0] * 4]
    assert zero.dtype == np.float32


def test_unpack_keeps_leading_axes():
    packed = sequence.encode(random_texts(6, 5), 5)
    stacked = sequence.unpack(packed.reshape(2, 3, 3), 5)
    np.testing.assert_array_equal(stacked.reshape(6, 5, 4), sequence.unpack(packed, 5))


def test_unknown_treatment_of_ambiguous_bases():
    with pytest.raises(InputError, match="ambiguous='half', expected one of zero, mean, one"):
        sequence.unpack(np.zeros((1, 1), np.uint8), 1, "half")


def test_kmer_ids_are_numbers_in_base_four():
    packed = sequence.encode(["ACGTA"], 5)
    # AC = 0*4 + 1, CG = 1*4 + 2, GT = 2*4 + 3, TA = 3*4 + 0.
    assert sequence.kmer_ids(packed, 5, 2).tolist() == [[1, 6, 11, 12]]
    assert sequence.kmer_ids(packed, 5, 5).tolist() == [[0b00_01_10_11_00]]


def test_kmers_with_anything_but_acgt_are_unknown():
    packed = sequence.encode(["AANAARAA-A"], 10)
    ids = sequence.kmer_ids(packed, 10, 2)
    assert ids.tolist() == [[0, -1, -1, 0, -1, -1, 0, -1, -1]]
    assert ids.dtype == np.int32


def test_the_largest_kmer_fits_its_number():
    packed = sequence.encode(["T" * 15], 15)
    assert sequence.kmer_ids(packed, 15, 15).tolist() == [[4**15 - 1]]


@pytest.mark.parametrize("k", [0, 6, 16])
def test_k_out_of_range(k):
    with pytest.raises(InputError, match=f"k={k}, expected 1 to 5 for sequences of 5 bases"):
        sequence.kmer_ids(sequence.encode(["ACGTA"], 5), 5, k)


@pytest.mark.parametrize("length", [1, 6, 7])
def test_both_strands_have_one_canonical_form(length):
    packed = sequence.encode(random_texts(200, length), length)
    forward = sequence.canonical(packed, length)
    backward = sequence.canonical(sequence.reverse_complement(packed, length), length)
    np.testing.assert_array_equal(forward, backward)
    is_same = (forward == packed).all(axis=1)
    opposite_strand = sequence.reverse_complement(packed[~is_same], length)
    np.testing.assert_array_equal(forward[~is_same], opposite_strand)


def test_the_canonical_strand_has_the_smaller_bytes():
    # T=0001 is the smallest nibble and A=1000 the largest: of AAC and GTT it is GTT.
    packed = sequence.encode(["AAC", "GTT", "ACT"], 3)
    assert sequence.decode(sequence.canonical(packed, 3), 3) == ["GTT", "GTT", "AGT"]


def test_a_letter_that_is_no_code_names_row_and_position():
    with pytest.raises(InputError, match=r"row 1, position 2: 'X' is no base and no IUPAC code"):
        sequence.encode(["ACGT", "ACXT"], 4)


@pytest.mark.parametrize("letter", ["*", " ", "\n", "é", "5", "?", "\0"])
def test_other_characters_are_no_bases(letter):
    with pytest.raises(InputError, match="row 0, position 3"):
        sequence.encode(["ACG" + letter], 4)


@pytest.mark.parametrize("text", ["ACG", "ACGTA", ""])
def test_another_length_names_the_row(text):
    message = f"row 2: the sequence has {len(text)} bases, expected 4"
    with pytest.raises(InputError, match=message):
        sequence.encode(["ACGT", "ACGT", text], 4)


@pytest.mark.parametrize("k", [1, 2, 6])
def test_texts_of_kmers_are_those_of_their_numbers(k):
    ids = np.random.default_rng(k).integers(0, 4**k, 50)
    texts = sequence.kmer_texts(ids, k)
    np.testing.assert_array_equal(sequence.kmer_ids(sequence.encode(texts, k), k, k)[:, 0], ids)


@pytest.mark.parametrize(("k", "count"), [(1, 2), (2, 10), (3, 32), (4, 136), (5, 512), (6, 2080)])
def test_number_of_kmers_up_to_strand(k, count):
    """Half of all k-mers; of an even k, those that are their own reverse complement as well."""
    assert len(sequence.canonical_kmers(k)[0]) == count
    np.testing.assert_array_equal(np.unique(sequence.pair_of_kmer(k)), range(count))


def test_pairs_of_dinucleotides_by_hand():
    strands = (sequence.kmer_texts(ids, 2) for ids in sequence.canonical_kmers(2))
    assert list(zip(*strands, strict=True)) == [
        ("AA", "TT"), ("AC", "GT"), ("AG", "CT"), ("AT", "AT"), ("CA", "TG"),
        ("CC", "GG"), ("CG", "CG"), ("GA", "TC"), ("GC", "GC"), ("TA", "TA"),
    ]  # fmt: skip


def test_both_of_a_pair_have_its_place():
    for ids in sequence.canonical_kmers(5):
        np.testing.assert_array_equal(sequence.pair_of_kmer(5)[ids], np.arange(512))


@pytest.mark.parametrize(
    ("text", "gc"),
    [
        ("ACACACGGGG", 0.7), ("AAAAAAAAAA", 0.0), ("ACGTACGTAC", 0.5), ("TTACACATGG", 0.4),
        ("ACNACNACNA", 3 / 7),  # An ambiguous base counts in nothing,
        ("--GGGG----", 1.0),  # nor does padding.
        ("ATRYATATAT", 0.0), ("NNNNN", np.nan), ("-----", np.nan),
    ],
)  # fmt: skip
def test_gc_content_by_hand(text, gc):
    (found,) = sequence.gc_content(sequence.encode([text], len(text)), len(text))
    assert found == pytest.approx(gc, nan_ok=True)
