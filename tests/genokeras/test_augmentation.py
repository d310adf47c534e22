"""How the changes go together; each of them has its own test in `layers`."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from genokeras import augmentation
from genokeras.augmentation import Augmentation, augment
from genokeras.config import override
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH, SHIFT_BP = 61, 5
STORED = LENGTH + 2 * SHIFT_BP
SPEC = Spec(LENGTH, ("bound",), base_composition=(0.5, 0.1, 0.2, 0.2), shift_bp=SHIFT_BP)
ALL = Augmentation(
    mutation_rate=0.1, insert_motifs=("CCWGG",), insert_rate=0.5, mask_rate=0.1, mask_span_bp=6
)
ON_JAX = """
import jax
from genokeras.augmentation import Augmentation, augment
from genokeras.models.spec import Spec
config = Augmentation({config})
spec = Spec({length}, ("bound",), shift_bp={shift_bp})
result = jax.jit(lambda batch: augment(config, spec, batch, True))(dict(given))
"""


def random_batch(size=400, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.choice(list("ACGTN-"), (size, STORED), p=[0.23] * 4 + [0.04] * 2)
    return {
        "sequence": sequence.encode(["".join(row) for row in rows], STORED),
        "key": rng.integers(0, 2**32, size, dtype=np.uint32),
    }


def augmented(config, batch, spec=SPEC, training=True):
    batch = {name: tf.constant(values) for name, values in batch.items()}
    return augment(config, spec, batch, training)["sequence"].numpy()


def test_off_by_default_but_for_the_shift():
    batch, still = random_batch(), Augmentation(max_shift_bp=0)
    middle = sequence.crop(batch["sequence"], STORED, SHIFT_BP, LENGTH)
    np.testing.assert_array_equal(augmented(still, batch), middle)
    assert (augmented(Augmentation(), batch) != middle).any(axis=1).mean() > 0.8


def test_without_training_nothing_is_changed():
    batch = random_batch()
    middle = sequence.crop(batch["sequence"], STORED, SHIFT_BP, LENGTH)
    del batch["key"]
    np.testing.assert_array_equal(augmented(ALL, batch, training=False), middle)
    windows = augmented(ALL, {"sequence": middle}, SPEC.without_flanks(), training=False)
    np.testing.assert_array_equal(windows, middle)


def test_every_change_is_made():
    """With a shift by hand: each kind of change is seen, and padding is where it was."""
    batch = random_batch()
    before = augmented(Augmentation(), batch)
    after = augmented(ALL, batch)
    old, new = (np.array([list(t) for t in sequence.decode(x, LENGTH)]) for x in (before, after))
    np.testing.assert_array_equal(old == "-", new == "-")
    is_hidden = (new == "N") & (old != "N")
    is_mutated = (new != "N") & (new != old)
    assert 0.08 < is_hidden.mean() < 0.12
    assert 0.05 < is_mutated.mean() < 0.15
    rows = ["".join(row) for row in new]
    assert sum("CCAGG" in row or "CCTGG" in row for row in rows) > 100


def test_changes_are_independent_of_each_other():
    """What one change draws says nothing of the others, nor does switching one on alter it."""
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**32, 4000, dtype=np.uint32)
    batch = {"sequence": sequence.encode(["A" * STORED] * 4000, STORED), "key": keys}
    only = {
        "mutation": Augmentation(mutation_rate=0.2),
        "mask": Augmentation(mask_rate=0.2),
        "motif": Augmentation(insert_motifs=("CC",), insert_rate=0.5),
    }
    hit = {}
    for name, config in only.items():
        rows = sequence.decode(augmented(config, batch), LENGTH)
        hit[name] = np.array([text != "A" * LENGTH for text in rows])
        hit[name] = np.array([text[10] != "A" for text in rows]) if name != "motif" else hit[name]
    for first, second in (("mutation", "mask"), ("mutation", "motif"), ("mask", "motif")):
        table = [[sum((hit[first] == a) & (hit[second] == b)) for a in (0, 1)] for b in (0, 1)]
        assert stats.chi2_contingency(table).pvalue > 1e-3
    both = augmented(dataclasses.replace(only["mutation"], mask_rate=0.2), batch)
    letters = np.array([list(text) for text in sequence.decode(both, LENGTH)])
    np.testing.assert_array_equal((letters == "N")[:, 10], hit["mask"])


@pytest.mark.parametrize(
    ("stranded", "shares"), [(False, (0.35, 0.15, 0.15, 0.35)), (True, (0.5, 0.1, 0.2, 0.2))]
)
def test_mutations_may_follow_the_composition_of_the_data(stranded, shares):
    """That of both strands where either may be given: A and T alike, C and G alike."""
    spec = dataclasses.replace(SPEC, stranded=stranded)
    config = Augmentation(mutation_rate=0.5, mutation_bases="composition")
    batch = random_batch(1000) | {"sequence": sequence.encode(["N" * STORED] * 1000, STORED)}
    text = "".join(sequence.decode(augmented(config, batch, spec), LENGTH))
    counts = np.array([text.count(base) for base in "ACGT"])
    assert stats.binomtest(int(counts.sum()), len(text), 0.5).pvalue > 1e-3
    assert stats.chisquare(counts, counts.sum() * np.array(shares)).pvalue > 1e-3


def test_same_bits_in_any_batch_compiled_and_on_jax(on_jax):
    batch = random_batch()
    whole = augmented(ALL, batch)
    order = np.random.default_rng(1).permutation(400)[:50]
    part = augmented(ALL, {name: values[order] for name, values in batch.items()})
    np.testing.assert_array_equal(part, whole[order])
    compiled = tf.function(lambda b: augment(ALL, SPEC, b, True)["sequence"], jit_compile=True)
    np.testing.assert_array_equal(compiled(batch), whole)
    config = ", ".join(f"{name}={value!r}" for name, value in dataclasses.asdict(ALL).items())
    theirs = on_jax(ON_JAX.format(config=config, length=LENGTH, shift_bp=SHIFT_BP), **batch)
    np.testing.assert_array_equal(theirs["sequence"], whole)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["mutation_rate=-0.1"], r"mutation_rate must be in \[0, 1\), got -0.1"),
        (["mask_rate=1"], r"mask_rate must be in \[0, 1\), got 1.0"),
        (["insert_rate=2"], r"insert_rate must be in \[0, 1\), got 2.0"),
        (["mask_span_bp=0"], "mask_span_bp must be at least 1, got 0"),
        (["max_shift_bp=-1"], "max_shift_bp must be at least 0, got -1"),
        (["mutation_bases=gc"], "mutation_bases must be one of uniform, composition, got 'gc'"),
        (
            ["insert_rate=0.5"],
            "insert_motifs= and insert_rate=0.5: one without the other does nothing, give both",
        ),
        (["insert_motifs=GGATCC,CCWGG"], "insert_motifs=GGATCC,CCWGG and insert_rate=0: one with"),
        (
            ["insert_motifs=GGA-CC", "insert_rate=0.5"],
            "insert_motifs must be words of IUPAC codes, got 'GGA-CC'",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(assignments, message):
    with pytest.raises(InputError, match=message):
        override(Augmentation(), assignments)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (
            Augmentation(max_shift_bp=8),
            {},
            "max_shift_bp=8, but the dataset stores 5 bp beside its windows; "
            "build it with --shift_bp=8",
        ),
        (
            Augmentation(),
            {"shift_bp": 40_000},
            "the dataset stores 40000 bp beside its windows, more than a window can be shifted by: "
            "set max_shift_bp, at most 32767",
        ),
        (
            Augmentation(insert_motifs=("A", "ACGTAC"), insert_rate=0.1),
            {"length": 5},
            "insert_motifs: 6 bp do not fit into windows of 5 bp",
        ),
        (
            Augmentation(mask_rate=0.1, mask_span_bp=9),
            {"length": 8},
            "mask_span_bp: 9 bp do not fit into windows of 8 bp",
        ),
        (
            Augmentation(mutation_bases="composition"),
            {"base_composition": None},
            "mutation_bases=composition, but the dataset's manifest does not say what its bases "
            "are; use mutation_bases=uniform",
        ),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(config, changes, message):
    with pytest.raises(InputError) as error:
        augmentation.check(config, dataclasses.replace(SPEC, **changes))
    assert str(error.value) == message
    augmentation.check(Augmentation(max_shift_bp=SHIFT_BP, mutation_bases="composition"), SPEC)
