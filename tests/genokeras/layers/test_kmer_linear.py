import numpy as np
import pytest
import tensorflow as tf

from genokeras.layers.kmer_linear import KmerLinear
from genokeras.layers.one_hot import OneHot
from tfrecords import sequence

DNA = np.random.default_rng(0).choice(list("ACGTN-"), (6, 30), p=[0.24] * 4 + [0.02] * 2)
TEXTS = ["".join(row) for row in DNA]


def rows_by_name(k):
    names = (sequence.kmer_texts(ids, k) for ids in sequence.canonical_kmers(k))
    return {name: row for strand in names for row, name in enumerate(strand)}


def reverse_complement(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def one_hot(texts):
    length = len(texts[0])
    return OneHot(length)(sequence.encode(texts, length))[0]


def built(k, units=1, stranded=False):
    layer = KmerLinear(k, units, stranded)
    layer.build((None, 30, 4))
    layer.set_weights([np.random.default_rng(k).normal(size=layer.kernel.shape)])
    return layer


@pytest.mark.parametrize("k", [2, 3, 5, 6])
def test_sums_the_weight_of_every_kmer_of_the_text(k):
    layer = built(k, units=2)
    kernel, row_of = layer.get_weights()[0], rows_by_name(k)
    for text, ours in zip(TEXTS, np.asarray(layer(one_hot(TEXTS))), strict=True):
        windows = [text[i : i + k] for i in range(len(text) - k + 1)]
        expected = sum(kernel[row_of[window]] for window in windows if window in row_of)
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("k", "expected"), [(2, 10), (3, 32), (4, 136), (5, 512), (6, 2080)])
def test_number_of_canonical_kmers(k, expected):
    """Half of all, and half of those that are their own reverse complement (k even)."""
    assert len(set(rows_by_name(k).values())) == built(k).count_params() == expected
    assert len(rows_by_name(k)) == 4**k


def test_opposite_strands_share_a_row():
    rows = rows_by_name(4)
    assert all(rows[name] == rows[reverse_complement(name)] for name in rows)
    assert rows["AAAA"] == rows["TTTT"] == 0


def test_is_blind_to_the_strand():
    layer, texts = built(6), [text.replace("N", "A").replace("-", "C") for text in TEXTS]
    opposite = [reverse_complement(text) for text in texts]
    np.testing.assert_allclose(layer(one_hot(texts)), layer(one_hot(opposite)), rtol=1e-4)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_stranded_every_kmer_has_its_own_weight(k):
    """Row by number of the k-mer, the first base most significant: AC is row 1 and GT row 11."""
    layer = built(k, stranded=True)
    kernel = layer.get_weights()[0][:, 0]
    assert kernel.shape == (4**k,)
    ids = sequence.kmer_ids(sequence.encode(TEXTS, 30), 30, k)
    expected = [kernel[row[row >= 0]].sum() for row in ids]
    np.testing.assert_allclose(layer(one_hot(TEXTS))[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_starts_at_zero_with_a_gradient_of_counts():
    layer, x = KmerLinear(3), one_hot(["ACGACG" + "T" * 24])
    with tf.GradientTape() as tape:
        logits = layer(x)
    assert float(logits[0, 0]) == 0
    gradient = tape.gradient(logits, layer.kernel.value).numpy()[:, 0]
    assert gradient[rows_by_name(3)["ACG"]] == 3  # Twice, and once as CGT on the other strand.
    assert gradient.sum() == 28


def test_the_one_hot_matrix_gets_a_gradient():
    """The gradient at a base is the change that putting a base there makes, others being kept."""
    layer, x = built(4), one_hot([TEXTS[0].replace("N", "A").replace("-", "A")])
    with tf.GradientTape() as tape:
        tape.watch(x)
        logit = layer(x)
    gradient = tape.gradient(logit, x).numpy()[0]
    edited = x.numpy()
    edited[0, 12] = np.eye(4)[2]
    change = float(layer(edited)[0, 0]) - float(logit[0, 0])
    expected = gradient[12, 2] - gradient[12, int(np.argmax(x[0, 12]))]
    assert change == pytest.approx(expected, abs=1e-4)


def test_other_sizes_of_k_are_refused():
    with pytest.raises(ValueError, match="k must be between 2 and 8, got 9"):
        KmerLinear(9)


def test_config_is_complete(assert_config_complete):
    assert_config_complete(KmerLinear(5, 3, stranded=True, name="kmers"))
