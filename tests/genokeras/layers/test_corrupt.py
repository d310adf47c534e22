"""What is hidden really is, and what is not tells nothing that it should not."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras.layers.corrupt import corrupt
from genokeras.layers.kmer_tokens import KmerTokens, mask_token
from genokeras.layers.one_hot import OneHot
from genokeras.metrics.leakage import measured_leakage, mixed_leakage, num_hidden
from tfrecords import sequence

LENGTH = 200
KEYS = np.arange(1000, dtype=np.uint32) * 977
MIXED = (0.8, 0.1, 0.1)
BACKGROUND = (0.4, 0.1, 0.2, 0.3)
ON_JAX = """
import jax
from genokeras.layers.corrupt import corrupt

run = jax.jit(lambda packed, keys: corrupt(packed, keys, 0.15, 3, (0.8, 0.1, 0.1)))
corrupted, chosen = run(given["packed"], given["keys"])
result = {"corrupted": corrupted, "chosen": chosen}
"""


def random_dna(count=1000, length=LENGTH, seed=0):
    rows = np.random.default_rng(seed).choice(list("ACGT"), (count, length))
    return sequence.encode(["".join(row) for row in rows], length)


def letters(packed, length=LENGTH):
    return np.array([list(text) for text in sequence.decode(np.asarray(packed), length)])


def run(packed, rate=0.15, span_bp=1, actions=(1.0, 0.0, 0.0), keys=KEYS, **options):
    corrupted, chosen = corrupt(tf.constant(packed), keys, rate, span_bp, actions, **options)
    return corrupted.numpy(), chosen.numpy()


@pytest.mark.parametrize("span_bp", [1, 5])
def test_bases_are_chosen_at_the_rate_and_spans_share_a_fate(span_bp):
    packed = random_dna()
    corrupted, chosen = run(packed, 0.15, span_bp, MIXED, background=BACKGROUND)
    shares = chosen.mean(axis=1)
    assert abs(shares.mean() - 0.15) < 4 * shares.std() / np.sqrt(len(shares))
    before, after = letters(packed), letters(corrupted)
    assert (before == after)[~chosen].all()
    masked = (after == "N")[chosen]
    if span_bp == 1:
        different = ((before != after) & (after != "N"))[chosen].sum()
        counts = [masked.sum(), different, (before == after)[chosen].sum()]
        # Of uniform DNA a random base is another one 3 times in 4, whatever the background.
        assert stats.chisquare(counts, chosen.sum() * np.array([0.8, 0.075, 0.125])).pvalue > 1e-3
    else:
        # Of two neighbours in the middle of spans most share one span, so one fate.
        both = chosen[:, 1:] & chosen[:, :-1]
        same = ((after == "N")[:, 1:] == (after == "N")[:, :-1])[both].mean()
        assert same > 0.9 > 0.8**2 + 0.2**2 + 0.1


def test_random_bases_have_the_background():
    after = letters(run(random_dna(), actions=(0, 1, 0), background=BACKGROUND)[0])
    chosen = run(random_dna(), actions=(0, 1, 0), background=BACKGROUND)[1]
    counts = [(after[chosen] == base).sum() for base in "ACGT"]
    assert stats.chisquare(counts, chosen.sum() * np.array(BACKGROUND)).pvalue > 1e-3


def test_unknown_bases_and_padding_are_never_chosen():
    packed = sequence.encode(["--ACGTRYN" + "GATTACA" * 4] * 1000, 37)
    corrupted, chosen = run(packed, 0.5, 3, MIXED)
    assert not chosen[:, [0, 1, 6, 7, 8, 37]].any()
    after = letters(corrupted, 37)
    assert {*after[:, 0], *after[:, 1]} == {"-"}
    assert set(after[:, 6]) == {"R"}


@pytest.mark.parametrize(
    ("actions", "nats"),
    [((1, 0, 0), 0.0), ((0, 1, 0), 0.0), (MIXED, 0.06255), ((0, 0, 1), 1.38629)],
)
def test_what_is_seen_gives_away_what_it_should(actions, nats):
    """A million selected bases, 3 standard errors of the estimate (by a chi-squared, halved)."""
    packed = random_dna(4000, 250)
    keys = np.arange(4000, dtype=np.uint32)
    corrupted, chosen = run(packed, 0.99, 1, actions, keys=keys)
    before, after = (
        np.searchsorted(list("ACGNT"), letters(x, 250)[chosen]) for x in (packed, corrupted)
    )
    assert before.size > 980_000
    assert mixed_leakage(*actions) == pytest.approx(nats, abs=5e-6)
    assert measured_leakage(before, after) == pytest.approx(nats, abs=3e-3 if nats else 2e-5)


def test_a_draw_that_avoids_the_original_gives_it_away():
    """The control: it can not be the base that is there, ln 4 - ln 3 = 0.2877 nats."""
    rng = np.random.default_rng(0)
    before = rng.integers(0, 4, 1_000_000)
    after = (before + rng.integers(1, 4, 1_000_000)) % 4
    assert measured_leakage(before, after) == pytest.approx(np.log(4 / 3), abs=1e-3)


def test_the_leakage_of_large_vocabularies():
    assert mixed_leakage(*MIXED, num_tokens=4096) == pytest.approx(0.6934, abs=5e-5)


@pytest.mark.parametrize("k", range(1, 9))
def test_masked_tokens_hide_fewer_bases_than_they_cover(k):
    """By brute force: a base is told if a visible token covers it."""
    rng = np.random.default_rng(k)
    for rate in (0.15, 0.5, 0.9):
        masked = rng.random(40 - k + 1) < rate
        told = np.zeros(40, bool)
        for start in np.flatnonzero(~masked):
            told[start : start + k] = True
        assert num_hidden(masked, k) == (~told).sum()
    single = np.zeros(40 - k + 1, bool)
    single[20] = True
    assert num_hidden(single, k) == (1 if k == 1 else 0)


def decoded(tokens, k, length):
    """What visible tokens tell of every base; -1: nothing."""
    found = np.full(length, -1)
    for start in np.flatnonzero(tokens < 4**k):
        found[start : start + k] = tokens[start] // 4 ** np.arange(k)[::-1] % 4
    return found


@pytest.mark.parametrize("k", [1, 3, 6])
def test_an_oracle_reads_masked_tokens_and_not_hidden_bases(k):
    """With tokens masked one by one neighbours tell every base; with bases hidden they tell none.

    A base is then guessed right one time in four. To hide m bases, m + k - 1 tokens are masked.
    """
    packed, length = random_dna(200), LENGTH
    true = np.searchsorted(list("ACGT"), letters(packed))
    tokenise = KmerTokens(k)
    naive = np.asarray(tokenise(*OneHot(length)(packed))[0]).copy()
    naive[:, 50] = mask_token(k)
    corrupted, chosen = run(packed, 0.05, 1, keys=KEYS[:200])
    hidden = np.asarray(tokenise(*OneHot(length)(corrupted))[0])
    right = []
    for row in range(200):
        if k > 1:
            np.testing.assert_array_equal(decoded(naive[row], k, length), true[row])
        found = decoded(hidden[row], k, length)
        assert (found[chosen[row]] == -1).all()
        right += [*(true[row][chosen[row]] == 0)]
    assert stats.binomtest(int(sum(right)), len(right), 0.25).pvalue > 1e-3
    alone = np.flatnonzero(chosen[0][20:-20]) + 20
    covered = hidden[0] == mask_token(k)
    assert all(covered[max(0, at - k + 1) : at + 1].all() for at in alone)


def test_a_fate_per_token_tells_hidden_bases_and_one_per_span_does_not():
    """A base that six 6-mers cover, of which each is masked, random or kept: 80, 10, 10.

    If every token has a fate of its own (the control), one of them is kept, and tells the base,
    1 - 0.9**6 = 0.4686 of the time. With one fate for the span it is kept 0.1 of the time, and
    random bases are right by chance one time in four.
    """
    k, packed = 6, random_dna(4000)
    true = np.searchsorted(list("ACGT"), letters(packed))[:, 100]
    rng = np.random.default_rng(0)
    tokens = np.asarray(KmerTokens(k)(*OneHot(LENGTH)(packed))[0])[:, 100 - k + 1 : 101]
    fates = rng.choice(3, tokens.shape, p=MIXED)
    seen = np.choose(fates, [mask_token(k), rng.integers(0, 4**k, tokens.shape), tokens])
    # The base is the last one of the first token, the first one of the last.
    bases = seen // 4 ** np.arange(k) % 4
    kept = (fates == 2).any(axis=1)
    assert (bases == true[:, None])[fates == 2].all()
    assert stats.binomtest(int(kept.sum()), len(kept), 1 - 0.9**6).pvalue > 1e-3
    corrupted, chosen = run(packed, 0.02, 1, MIXED, np.arange(len(packed), dtype=np.uint32))
    same = (letters(corrupted) == letters(packed))[chosen]
    assert stats.binomtest(int(same.sum()), same.size, 0.1 + 0.1 / 4).pvalue > 1e-3


def test_the_same_key_does_the_same_in_any_batch_and_others_do_not():
    packed = random_dna(4)
    both = run(packed, actions=MIXED, keys=KEYS[:4])
    alone = run(packed[2:3], actions=MIXED, keys=KEYS[2:3])
    for whole, part in zip(both, alone, strict=True):
        np.testing.assert_array_equal(whole[2:3], part)
    other = run(np.repeat(packed[:1], 1000, axis=0))[1].astype(float)
    # Masks of different keys are uncorrelated.
    shared = (other[1:] * other[:-1]).mean()
    assert abs(shared - 0.15**2) < 4 * np.sqrt(0.15**2 * (1 - 0.15**2) / other[1:].size)


def test_jax_does_the_same(on_jax):
    packed, keys = random_dna(16), KEYS[:16]
    theirs = on_jax(ON_JAX, packed=packed, keys=keys)
    corrupted, chosen = run(packed, 0.15, 3, MIXED, keys=keys)
    np.testing.assert_array_equal(theirs["corrupted"], corrupted)
    np.testing.assert_array_equal(theirs["chosen"], chosen)
