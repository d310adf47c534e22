"""The supervised transformer: it has the encoder of models without labels, and both strands."""

import dataclasses
import re

import keras
import numpy as np
import pytest

from genokeras.layers.token_encoder import TokenEncoderConfig
from genokeras.models import contrastive, mlm, transformer
from genokeras.models.spec import Spec
from genokeras.training import variables
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 32
SPEC = Spec(LENGTH, ("plus", "minus", "both"), strand_pairs=(1, 0, 2))
TINY = dataclasses.replace(transformer.PRESETS["tiny"], stem_kernel_size=0)


def built(spec=SPEC, **changes):
    keras.utils.set_random_seed(0)
    return transformer.build(dataclasses.replace(TINY, **changes), spec)


def shapes(model):
    return {name: tuple(v.shape) for name, v in variables.named(model.weights).items()}


@pytest.mark.parametrize("preset", transformer.PRESETS)
def test_presets_have_the_encoders_of_the_masked_language_model(preset):
    """But for a stem, with which the one for tests learns in seconds."""
    ours, theirs = transformer.PRESETS[preset], mlm.PRESETS[preset]
    names = {field.name for field in dataclasses.fields(TokenEncoderConfig)} - {"rc"}
    names -= {"stem_kernel_size"} if preset == "tiny" else set()
    assert {n: getattr(ours, n) for n in names} == {n: getattr(theirs, n) for n in names}


@pytest.mark.parametrize("changes", [{}, {"stem_kernel_size": 5, "stem_stride": 2}, {"kmer": 3}])
def test_variables_of_the_encoder_are_named_as_where_it_is_trained_without_labels(changes):
    """All of them but the head; of contrastive, which reads no k-mers, but the projection."""
    own = shapes(built(**changes))
    theirs = [shapes(mlm.build(dataclasses.replace(mlm.PRESETS["tiny"], **changes), SPEC))]
    if "kmer" not in changes:
        other = dataclasses.replace(
            contrastive.PRESETS["tiny"], feedforward_units=TINY.feedforward_units, **changes
        )
        theirs.append(shapes(contrastive.build(other, SPEC)))
    encoder = {name: shape for name, shape in own.items() if not name.startswith("head/")}
    for found in theirs:
        assert encoder.items() <= found.items()
        assert all(re.match("head/|projection_", name) for name in found.keys() - encoder.keys())


def test_a_head_is_all_that_it_has_besides():
    theirs = mlm.build(mlm.PRESETS["tiny"], SPEC).count_params() - (16 * 4 + 4)
    assert built().count_params() == theirs + 16 * 3 + 3
    assert built(dense_units=(8,)).count_params() == theirs + 16 * 8 + 8 + 8 * 3 + 3


@pytest.mark.parametrize("changes", [{}, {"kmer": 3}, {"pooling": "attention"}])
def test_both_strands_have_one_prediction_with_paired_tasks_in_each_others_places(
    changes, random_dna
):
    packed = random_dna(8, LENGTH)
    opposite = sequence.reverse_complement(packed, LENGTH)
    model = built(**changes)
    np.testing.assert_allclose(model(opposite), np.asarray(model(packed))[:, [1, 0, 2]], atol=1e-6)
    one_strand = built(rc="augment", **changes)
    assert np.abs(one_strand(opposite) - np.asarray(one_strand(packed))[:, [1, 0, 2]]).max() > 1e-3


def test_attention_begins_as_the_mean_over_what_is_no_padding(random_dna):
    packed = np.concatenate([random_dna(4, LENGTH), sequence.encode(["ACGT" + "-" * 28], LENGTH)])
    attention, mean = built(pooling="attention"), built()
    begun = variables.read(attention.variables) | variables.read(mean.variables)
    variables.assign(attention.variables, begun, "mean")
    np.testing.assert_allclose(attention(packed), mean(packed), atol=1e-5)


def test_regression_has_predictions_and_their_squared_error(random_dna):
    spec = Spec(LENGTH, ("a",), "regression")
    model = built(spec)
    assert model.output_names == ["predictions"]
    batch = {"sequence": random_dna(4, LENGTH), "targets": np.ones((4, 1), np.float32)}
    terms, outputs = transformer.loss(TINY, model, batch, False)
    expected = (1 - np.asarray(outputs["logits"])) ** 2
    np.testing.assert_allclose(terms["squared_error"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kmer": 9}, "kmer=9, expected 1 to 8"),
        ({"dense_units": (8, 0)}, "dense_units must be at least 1 each, got (8, 0)"),
        ({"head_dropout": 1.0}, "head_dropout must be in [0, 1), got 1.0"),
        ({"mutation_rate": -0.1}, "mutation_rate must be in [0, 1), got -0.1"),
        ({"channels": 18}, "channels=18 must be a multiple of 4: 2 heads"),
        ({"kmer": 3, "ambiguous": "one"}, "kmer=3 and ambiguous=one: an N of ones would be read"),
        ({"kmer": 40}, "kmer=40, expected 1 to 8"),
        ({"kmer": 5, "overlapping": False}, "windows of 32 bp are not whole tokens of 5 bp"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        built(**changes)


def test_windows_and_tasks_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="windows of 5 bp are shorter than kmer=6: set a smaller"):
        built(Spec(5, ("a",)), kmer=6)
    with pytest.raises(InputError, match="label_smoothing is for binary tasks, these are regress"):
        built(Spec(LENGTH, ("a",), "regression"), label_smoothing=0.1)
