"""What alleles change, of models whose predictions are known by hand."""

import keras
import numpy as np
import pytest
import sklearn.metrics

from genokeras.evaluation import variants
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.predictor import Predictor
from genokeras.layers.one_hot import OneHot
from genokeras.models.spec import Spec
from tfrecords import sequence

LENGTH = 24
MOTIF = "TGACTCAC"  # Of `motif_model`.
BESIDE = "AAAA{}AAAAAAAAAAAA"


def windows(references, alternatives, places=None, singles=None):
    count, length = len(references), len(references[0])
    singles = [(-1, -1)] * count if singles is None else singles
    return {
        "reference": sequence.encode(references, length),
        "alternative": sequence.encode(alternatives, length),
        "place": np.zeros(count, np.int64) if places is None else np.array(places),
        "reference_base": np.array([pair[0] for pair in singles], np.int8),
        "alternative_base": np.array([pair[1] for pair in singles], np.int8),
    }


def test_task_effects_of_a_motif_counter_by_hand(motif_model):
    """Logits 4 n - 2 of the motif on the given strand (task 0) and on the opposite one (task 1)."""
    spec = Spec(LENGTH, ("plus", "minus"))
    one_strand = Predictor(motif_model(spec), spec, reverse_complement=False, batch_size=4)
    broken, whole = BESIDE.format(MOTIF[:-1] + "G"), BESIDE.format(MOTIF)
    shown = windows([broken, whole, broken], [whole, broken, broken])
    effects = variants.TaskEffects(Ensemble([one_strand]))
    found = effects.scores([shown])
    assert list(found) == list(effects.fields)
    np.testing.assert_allclose(found["plus_delta_logit"], [4, -4, 0], atol=1e-5)
    np.testing.assert_allclose(found["minus_delta_logit"], 0, atol=1e-5)
    np.testing.assert_allclose(found["delta_l2"], [4, 4, 0], atol=1e-5)
    high, low = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))
    np.testing.assert_allclose(found["plus_reference_probability"], [low, high, low], atol=1e-6)
    np.testing.assert_allclose(found["plus_alternative_probability"], [high, low, low], atol=1e-6)
    # The difference of logits is the logarithm of the ratio of odds.
    odds = [found[f"plus_{x}_probability"] for x in ("alternative", "reference")]
    ratio = np.log(odds[0] / (1 - odds[0]) / (odds[1] / (1 - odds[1])))
    np.testing.assert_allclose(ratio, found["plus_delta_logit"], atol=1e-4)
    # Half of it where the motif is on one of two strands.
    both = variants.TaskEffects(Ensemble([Predictor(motif_model(spec), spec)])).scores([shown])
    for task in ("plus", "minus"):
        np.testing.assert_allclose(both[f"{task}_delta_logit"], [2, -2, 0], atol=1e-5)
    np.testing.assert_allclose(both["delta_l2"], np.sqrt([8, 8, 0]), atol=1e-5)


def test_means_over_shifts_and_runs(motif_model):
    spec = Spec(LENGTH, ("plus",))
    models = [motif_model(spec) for _ in range(2)]
    scan = models[1].get_layer("scan")
    scan.set_weights([2 * weight for weight in scan.get_weights()])
    members = [Predictor(model, spec, reverse_complement=False) for model in models]
    whole, none = BESIDE.format(MOTIF), "A" * LENGTH
    shifted = [windows([none], [whole]), windows([none], [none])]
    effects = variants.TaskEffects(Ensemble(members))
    found = effects.scores(shifted)
    assert list(found) == list(effects.fields)
    # 4 and 8 in one of two windows.
    np.testing.assert_allclose(found["plus_delta_logit"], [3], atol=1e-5)
    np.testing.assert_allclose(found["plus_delta_logit_std"], [np.std([2, 4], ddof=1)], atol=1e-5)
    assert effects.judged == ("plus_delta_logit", "delta_l2")


def test_effects_on_a_regression_are_of_its_predictions(motif_model):
    spec = Spec(LENGTH, ("level",), "regression")
    effects = variants.TaskEffects(
        Ensemble([Predictor(motif_model(spec), spec, reverse_complement=False)])
    )
    found = effects.scores([windows(["A" * LENGTH], [BESIDE.format(MOTIF)])])
    values = {name: values.tolist() for name, values in found.items()}
    assert values == {
        "level_reference_prediction": [-2],
        "level_alternative_prediction": [2],
        "level_delta": [4],
        "delta_l2": [4],
    }


def test_coverage_effects_by_hand():
    """Coverage: of each bin of 6 bp its number of A (track a), and of C times ten (track c)."""
    spec = Spec(LENGTH, ("a", "c"), "coverage", bin_bp=6)
    packed = keras.Input((spec.packed_width,), dtype="uint8", name="sequence")
    x, _ = OneHot(LENGTH, name="one_hot")(packed)
    bins = keras.ops.sum(keras.ops.reshape(x[..., :2], (-1, 4, 6, 2)), axis=2)
    model = keras.Model(packed, bins * np.array([1.0, 10.0], np.float32))
    effects = variants.CoverageEffects(Ensemble([Predictor(model, spec, reverse_complement=False)]))
    found = effects.scores([windows(["AAAAAA" + "G" * 18], ["AACCAA" + "G" * 15 + "AAA"])])
    assert list(found) == list(effects.fields)
    values = {name: values[0] for name, values in found.items()}
    # a: 6 0 0 0 becomes 4 0 0 3; c: 0 0 0 0 becomes 20 0 0 0.
    assert values["a_sad"] == 1
    assert values["a_sax"] == 3
    assert values["a_log_fold"] == pytest.approx(np.log2(8 / 7))
    assert values["c_sad"] == 20
    assert values["c_log_fold"] == pytest.approx(np.log2(21))
    fewer = effects.scores([windows(["AAAAAA" + "G" * 18], ["G" * 24])])
    assert fewer["a_sax"] == [-6]


class Guess:
    """In the place of `HiddenBases`: ln p is known for every base, whatever is around it."""

    log_p = np.log([0.4, 0.3, 0.2, 0.1]).astype(np.float32)

    def log_probabilities(self, packed, place):
        return np.tile(self.log_p, (len(packed), 1))

    def pseudo_log_likelihood(self, packed):
        bases = sequence.kmer_ids(packed, LENGTH, 1)
        return np.append(self.log_p, 0)[bases].sum(axis=1), (bases >= 0).sum(axis=1)


def test_base_effects_are_ratios_of_substitutions_and_differences_of_the_rest():
    texts = ["A" * LENGTH, "A" * LENGTH, "-" + "A" * (LENGTH - 1)]
    changed = ["T" + texts[0][1:], "GG" + texts[1][2:], "-" * 2 + "A" * (LENGTH - 2)]
    shown = windows(texts, changed, singles=[(0, 3), (-1, -1), (-1, -1)])
    effects = variants.BaseEffects(Guess())
    found = effects.scores([shown, shown])
    nan = np.nan
    np.testing.assert_allclose(found["log_likelihood_ratio"], [np.log(0.1 / 0.4), nan, nan])
    expected = [nan, 2 * np.log(0.2 / 0.4), nan]
    np.testing.assert_allclose(found["pseudo_log_likelihood_difference"], expected, atol=1e-5)
    assert effects.unscored == {"windows of different numbers of bases": 1}


def test_labels_are_held_against_scores_either_way():
    rng = np.random.default_rng(0)
    labels = np.append(rng.integers(0, 2, 60), [np.nan, 1]).astype(np.float32)
    scores = np.append(rng.normal(size=60) - labels[:60], [0, np.nan])
    found = variants.label_scores({"score": scores}, labels)
    truth, given = labels[:60], scores[:60]
    for name, expected in (("score", given), ("-score", -given), ("|score|", np.abs(given))):
        assert found[name]["n"] == 60
        auroc = sklearn.metrics.roc_auc_score(truth, expected)
        assert found[name]["auroc"] == pytest.approx(auroc, abs=1e-12)
        auprc = sklearn.metrics.average_precision_score(truth, expected)
        assert found[name]["auprc"] == pytest.approx(auprc, abs=1e-12)
    nothing = variants.label_scores({"score": scores}, np.full(62, np.nan, np.float32))
    assert np.isnan(nothing["score"]["auroc"])
