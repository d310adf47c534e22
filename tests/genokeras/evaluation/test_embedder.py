import random

import keras
import numpy as np
import pytest

from genokeras.evaluation.embedder import Embedder, check_length
from genokeras.models.spec import Spec
from genokeras.training import variables
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 41
SPEC = Spec(LENGTH, ("bound",))


def random_packed(number, length=LENGTH, seed=0):
    rows = np.random.default_rng(seed).choice(list("ACGT"), (number, length))
    return sequence.encode(["".join(row) for row in rows], length)


@pytest.fixture(scope="module")
def run(write_run, tmp_path_factory):
    """Of a network with batch norm and dropout that is not blind to strands."""
    folder = tmp_path_factory.mktemp("run")
    return Run.open(write_run(folder / "run", "cnn_attention", SPEC, rc="augment"))


def test_nothing_is_learnt_and_nothing_drawn(run):
    """Twice the same, weights and the statistics of batch norm among them."""
    model = run.model()
    before = variables.read(model.variables)
    assert any("moving_variance" in name for name in before)
    embed = run.model_module.embedding(run.config, model)
    embedder = Embedder(embed, run.spec, batch_size=16)
    packed = random_packed(40)
    first, second = embedder.embed(packed), embedder.embed(packed)
    np.testing.assert_array_equal(first, second)
    after = variables.read(model.variables)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    # The control: in training the same network drops units, and its statistics move.
    trained = [np.asarray(embed(packed, training=True)) for _ in range(2)]
    assert np.abs(trained[0] - trained[1]).max() > 1e-3
    moved = variables.read(model.variables)
    assert any(not np.array_equal(before[name], moved[name]) for name in before)


def test_both_strands_have_one_embedding(run):
    packed = random_packed(20)
    opposite = sequence.reverse_complement(packed, LENGTH)
    both = Embedder.load(run)
    assert both.reverse_complement
    np.testing.assert_allclose(both.embed(packed), both.embed(opposite), rtol=1e-5, atol=1e-5)
    # The control: the network by itself tells them apart.
    one = Embedder.load(run, reverse_complement=False)
    given, turned = one.embed(packed), one.embed(opposite)
    assert np.abs(given - turned).max() > 1e-2
    np.testing.assert_allclose(both.embed(packed), (given + turned) / 2, rtol=1e-5, atol=1e-5)


def test_data_of_one_strand_are_not_averaged(write_run, tmp_path):
    stranded = write_run(tmp_path / "a", "mlm", Spec(LENGTH, ("bound",), stranded=True))
    assert not Embedder.load(Run.open(stranded)).reverse_complement
    given = write_run(tmp_path / "b", "cnn_attention", SPEC, rc="none")
    assert not Embedder.load(Run.open(given)).reverse_complement
    blind = write_run(tmp_path / "c", "cnn_attention", SPEC, rc="average")
    assert Embedder.load(Run.open(blind), reverse_complement=False).reverse_complement


def test_the_size_of_batches_does_not_matter(run):
    packed, whole = random_packed(20), Embedder.load(run)
    expected = whole.embed(packed)
    found = Embedder.load(run, batch_size=7).embed(packed)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert found.dtype == np.float32
    assert whole.embed(packed[:0]).shape == (0, found.shape[1])


def test_random_weights_are_those_of_a_seed(run):
    packed = random_packed(20)
    trained, state = Embedder.load(run).embed(packed), random.getstate()
    first, again, other = (Embedder.untrained(run, seed).embed(packed) for seed in (1, 1, 2))
    assert random.getstate() == state
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(first - trained).max() > 1e-3


def test_what_the_model_cannot_read_is_refused(run):
    message = f"windows of 42 bp, but the model of {run.workdir} reads 41 bp: build the"
    with pytest.raises(InputError, match=message):  # Packed, both are of 21 bytes.
        check_length(run, 42)
    check_length(run, 41)
    with pytest.raises(InputError, match=r"got packed .* uint8\(2, 5\), expected uint8\(N, 21"):
        Embedder.load(run).embed(np.zeros((2, 5), np.uint8))


def test_numbers_that_are_none_are_refused():
    packed = keras.Input((21,), dtype="uint8")
    nothing = keras.layers.Rescaling(float("nan"))(packed)
    with pytest.raises(InputError, match="embeddings are not finite: this model has not been tra"):
        Embedder(keras.Model(packed, nothing), SPEC).embed(random_packed(3))
