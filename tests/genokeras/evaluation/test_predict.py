import dataclasses
import gzip

import keras
import numpy as np
import pytest

from genokeras.evaluation import output_file, predict, prediction_table
from genokeras.evaluation.predictor import Predictor
from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.strand_symmetry import is_strand_blind
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 31
PLAIN = Spec(LENGTH, ("motif",))
STRANDED = Spec(LENGTH, ("plus", "minus"), strand_pairs=(1, 0))


def random_packed(number, seed=0):
    rows = np.random.default_rng(seed).choice(list("ACGT"), (number, LENGTH))
    return sequence.encode(["".join(row) for row in rows], LENGTH)


def with_motif(text="TGACTCAC"):
    return sequence.encode([("A" * 10 + text).ljust(LENGTH, "A")], LENGTH)


def network(spec, seed=0):
    """A small network with random weights that tells the strands apart."""
    from genokeras.layers.one_hot import OneHot

    packed = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    x, _ = OneHot(spec.length, name="one_hot")(packed)
    start = keras.initializers.GlorotUniform(seed)
    x = keras.layers.Dense(spec.num_tasks, kernel_initializer=start)(keras.layers.Flatten()(x))
    return keras.Model(packed, x)


def test_logits_of_a_model_worked_by_hand(motif_model):
    predictor = Predictor(motif_model(PLAIN), PLAIN, reverse_complement=False, batch_size=4)
    twice = with_motif("TGACTCACTGACTCAC")
    packed = np.concatenate([with_motif(), twice, with_motif("TGACTCAA")])
    np.testing.assert_allclose(predictor.logits(packed), [[2], [6], [-2]])


def test_logits_are_averaged_over_both_strands(motif_model):
    """One motif on one strand: 2 there and -2 on the other, 0 on average whichever comes in."""
    predictor = Predictor(motif_model(PLAIN), PLAIN, batch_size=4)
    forward = with_motif()
    opposite = sequence.reverse_complement(forward, LENGTH)
    np.testing.assert_array_equal(predictor.logits(np.concatenate([forward, opposite])), [[0], [0]])


def test_both_strands_score_the_same():
    packed = random_packed(50)
    opposite = sequence.reverse_complement(packed, LENGTH)
    one_strand = Predictor(network(PLAIN), PLAIN, reverse_complement=False)
    both = Predictor(network(PLAIN), PLAIN)
    np.testing.assert_allclose(both.logits(packed), both.logits(opposite), atol=1e-6)
    # The negative control: without averaging, the strands differ.
    assert np.abs(one_strand.logits(packed) - one_strand.logits(opposite)).max() > 0.1


def test_tasks_of_a_strand_pair_swap_on_the_opposite_strand(motif_model):
    """A model that is equivariant already keeps its logits; without the swap they would blur."""
    packed = with_motif()
    predictor = Predictor(motif_model(STRANDED), STRANDED)
    np.testing.assert_allclose(predictor.logits(packed), [[2, -2]])
    opposite = sequence.reverse_complement(packed, LENGTH)
    np.testing.assert_allclose(predictor.logits(opposite), [[-2, 2]])
    blurred = Predictor(motif_model(STRANDED), Spec(LENGTH, ("plus", "minus")))
    np.testing.assert_allclose(blurred.logits(packed), [[0, 0]])


def test_cut_sites_are_averaged_one_base_apart():
    """A model that knows of an enzyme which cuts between A and T, counted at the T."""
    from genokeras.layers.one_hot import OneHot

    packed = keras.Input((PLAIN.packed_width,), dtype="uint8", name="sequence")
    x, _ = OneHot(LENGTH, name="one_hot")(packed)
    cuts = keras.ops.pad(x[:, :-1, :1] * x[:, 1:, 3:], ((0, 0), (1, 0), (0, 0)))
    model, spec = keras.Model(packed, cuts), Spec(LENGTH, ("cuts",), "coverage", bin_bp=1)
    texts = random_packed(20)
    given = Predictor(model, spec, reverse_complement=False).logits(texts)
    assert given.sum() > 20
    # AT is its own reverse complement: both strands are cut at the same place.
    knowing = Predictor(model, dataclasses.replace(spec, cut_sites=(0,)))
    np.testing.assert_array_equal(knowing.logits(texts), given)
    assert not np.array_equal(Predictor(model, spec).logits(texts), given)


@pytest.mark.parametrize("preset", ["tiny", "fewer_conv_channels"])
def test_a_model_is_trusted_with_both_strands_only_where_it_sees_both(preset):
    """Where `is_strand_blind` spares the second pass, that pass would change nothing."""
    config = cnn_attention.PRESETS[preset]
    model = cnn_attention.build(config, PLAIN)
    one_pass = Predictor(model, PLAIN, reverse_complement=False)
    difference = one_pass.logits(random_packed(64)) - Predictor(model, PLAIN).logits(
        random_packed(64)
    )
    is_same = np.abs(difference).max() < 1e-5
    assert is_strand_blind(config, PLAIN) == is_same == (preset == "tiny")
    asked_not_to = {"reverse_complement": False, "is_strand_blind": is_same}
    assert Predictor(model, PLAIN, **asked_not_to).reverse_complement == is_same
    on_stranded_data = dataclasses.replace(PLAIN, stranded=True)
    assert not is_strand_blind(config, on_stranded_data)


@pytest.mark.parametrize("batch_size", [1, 7, 20, 64])
def test_logits_do_not_depend_on_the_batch_size(batch_size):
    packed = random_packed(20)
    expected = network(PLAIN).predict_on_batch(packed)
    predictor = Predictor(network(PLAIN), PLAIN, batch_size=batch_size, reverse_complement=False)
    np.testing.assert_allclose(predictor.logits(packed), expected, atol=1e-6)


def test_one_shape_is_compiled_whatever_the_number_of_sequences():
    shapes = []

    class Watch(keras.layers.Layer):
        def call(self, x):
            shapes.append(x.shape)
            return x

    packed = keras.Input((PLAIN.packed_width,), dtype="uint8")
    x = keras.layers.Rescaling(1.0)(Watch()(packed))
    predictor = Predictor(keras.Model(packed, x[:, :1]), PLAIN, batch_size=8)
    shapes.clear()
    for number in (3, 8, 9, 40):
        assert predictor.logits(random_packed(number)).shape == (number, 1)
    assert {tuple(shape) for shape in shapes} == {(8, PLAIN.packed_width)}
    assert len(shapes) <= 2


def test_the_models_own_preparation_is_applied(motif_model):
    def blank(batch):
        return {"sequence": batch["sequence"] * 0}

    predictor = Predictor(motif_model(PLAIN), PLAIN, prepare=blank, reverse_complement=False)
    np.testing.assert_allclose(predictor.logits(with_motif()), [[-2]])


def test_arrays_of_another_shape_are_refused(motif_model):
    predictor = Predictor(motif_model(PLAIN), PLAIN)
    with pytest.raises(InputError, match=r"got packed .* uint8\(2, 5\), expected uint8\(N, 16"):
        predictor.logits(np.zeros((2, 5), np.uint8))
    with pytest.raises(InputError, match="batch_size=0, expected at least 1"):
        Predictor(motif_model(PLAIN), PLAIN, batch_size=0)


def test_probabilities_of_texts(motif_run):
    text = "ccc" + "TGACTCAC" + "N" * 29
    np.testing.assert_allclose(
        predict.predict(motif_run, [text, "A" * 40], reverse_complement=False),
        [[1 / (1 + np.exp(-2))], [1 / (1 + np.exp(2))]],
        rtol=1e-6,
    )


def batches(*texts, names=None):
    for number, text in enumerate(texts):
        yield {
            "name": [names[number] if names else f"s{number}"],
            "start": np.array([number]),
            "sequence": sequence.encode([text], 40),
        }


def test_a_stream_becomes_a_table_in_its_order(motif_run, tmp_path):
    texts = ["A" * 40, "TGACTCAC" + "A" * 32, "A" * 40]
    number = predict.write_predictions(
        motif_run, batches(*texts), tmp_path / "out.tsv", reverse_complement=False
    )
    assert number == 3
    header, *rows = (line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines())
    assert header == ["name", "start", "label_probability", "label_logit"]
    assert [row[:2] for row in rows] == [["s0", "0"], ["s1", "1"], ["s2", "2"]]
    assert [float(row[3]) for row in rows] == [-2, 2, -2]
    assert float(rows[1][2]) == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-9)
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.tsv"]


def test_gzip_holds_the_same_and_has_no_time_in_it(motif_run, tmp_path):
    for name in ("a.tsv.gz", "b.tsv.gz", "c.tsv"):
        predict.write_predictions(motif_run, batches("A" * 40, "C" * 40), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.tsv.gz", "b.tsv.gz"))
    assert first == second
    assert gzip.decompress(first) == (tmp_path / "c.tsv").read_bytes()


def test_a_stream_that_fails_leaves_nothing_behind(motif_run, tmp_path):
    def failing():
        yield from batches("A" * 40)
        raise InputError("x.fa:9: position 2: 'X' is no base")

    (tmp_path / "out.tsv").write_text("from before")
    with pytest.raises(InputError, match=r"x\.fa:9"):
        predict.write_predictions(motif_run, failing(), tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.tsv"]
    assert (tmp_path / "out.tsv").read_text() == "from before"


def test_no_sequences_is_an_error(motif_run, tmp_path):
    with pytest.raises(InputError, match=r"out\.tsv: not written, there are no sequences"):
        predict.write_predictions(motif_run, iter(()), tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_a_missing_output_folder_is_found_before_anything_is_computed(motif_run, tmp_path):
    with pytest.raises(InputError, match=r"there is no folder .*gone; make it first"):
        predict.write_predictions(motif_run, failing_if_read(), tmp_path / "gone" / "out.tsv")
    with pytest.raises(InputError, match="is a folder, expected the name of a file"):
        predict.write_predictions(motif_run, failing_if_read(), tmp_path)


def test_an_output_on_another_machine_is_refused(motif_run):
    message = r"s3://b/out\.tsv: expected a file of this machine; write one and copy it there"
    with pytest.raises(InputError, match=message):
        predict.write_predictions(motif_run, failing_if_read(), "s3://b/out.tsv")


def test_an_output_is_never_its_own_input(tmp_path):
    source = tmp_path / "in.tsv"
    source.write_text("sequence\nACGT\n")
    (tmp_path / "link.tsv").symlink_to(source)
    (tmp_path / "hard.tsv").hardlink_to(source)
    for name in ("in.tsv", "link.tsv", "hard.tsv"):
        with pytest.raises(
            InputError, match=rf"{name} is the input, .*in\.tsv; give the output ano"
        ):
            output_file.check(tmp_path / name, source)
    (tmp_path / "old.tsv").write_text("from before")
    for name in ("old.tsv", "new.tsv"):
        assert output_file.check(tmp_path / name, source) == tmp_path / name
    # That there is no input is for whoever reads it to say.
    assert output_file.check(tmp_path / "old.tsv", tmp_path / "gone.tsv")


def failing_if_read():
    raise AssertionError("read")
    yield


def test_columns_of_a_regression_are_predictions():
    spec = Spec(LENGTH, ("a", "b"), "regression")
    columns = prediction_table.prediction_columns(spec, np.array([[[1.5, 2.5]]]))
    assert {name: values.tolist() for name, values in columns.items()} == {
        "a_prediction": [1.5],
        "b_prediction": [2.5],
    }


def test_read_size_is_whole_batches_of_bounded_memory():
    assert predict.read_size(Spec(101, ("a",)), 256) == 4 * 256
    assert predict.read_size(Spec(100_000, ("a",)), 256) == 256
