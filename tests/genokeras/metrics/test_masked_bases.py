import numpy as np
import pytest

from genokeras.metrics.masked_bases import MaskedBaseScores


def outputs(num_bases, cross_entropy, num_right):
    named = {"num_bases": num_bases, "cross_entropy": cross_entropy, "num_right": num_right}
    arrays = {name: np.array(values, np.float32) for name, values in named.items()}
    return arrays | {"mask_rate": np.full(len(num_bases), 0.15, np.float32)}


# Three windows, outside of repeats and in them; of the third nothing counts.
OUTPUTS = outputs([[4, 0], [1, 5], [9, 9]], [[2, 0], [2, 6], [99, 99]], [[3, 0], [0, 2], [0, 0]])
WEIGHT = np.array([1, 1, 0], np.float32)


def test_means_are_over_bases_and_by_repeat():
    scores = MaskedBaseScores()
    scores.add(OUTPUTS, None, WEIGHT)
    assert scores.result() == pytest.approx(
        {
            "cross_entropy": 1.0,
            "perplexity": np.e,
            "accuracy": 0.5,
            "expected_loss": 0.15,
            "cross_entropy_outside_repeats": 0.8,
            "perplexity_outside_repeats": np.exp(0.8),
            "accuracy_outside_repeats": 0.6,
            "cross_entropy_in_repeats": 1.2,
            "perplexity_in_repeats": np.exp(1.2),
            "accuracy_in_repeats": 0.4,
            "n": 2,
            "num_bases": 10,
            "num_bases_in_repeats": 5,
        },
        rel=1e-6,
    )


def test_batches_do_not_matter():
    whole, parts = MaskedBaseScores(), MaskedBaseScores()
    whole.add(OUTPUTS, None, WEIGHT)
    for row in range(3):
        part = {name: values[row : row + 1] for name, values in OUTPUTS.items()}
        parts.add(part, None, WEIGHT[row : row + 1])
    assert parts.result() == whole.result()


def test_a_resample_is_the_score_of_the_windows_it_drew():
    scores, twice = MaskedBaseScores(), MaskedBaseScores()
    scores.add(OUTPUTS, None, WEIGHT)
    drawn = scores.resampled(np.array([[2.0, 0.0]]))
    twice.add({name: x[[0, 0]] for name, x in OUTPUTS.items()}, None, WEIGHT[[0, 0]])
    assert drawn["cross_entropy"][0] == twice.result()["cross_entropy"] == 0.5
    assert np.isnan(drawn["cross_entropy_in_repeats"][0])


def test_without_repeats_nothing_is_told_apart():
    scores = MaskedBaseScores()
    scores.add(outputs([[4, 0]], [[2, 0]], [[3, 0]]), None, np.ones((1, 2), np.float32))
    assert "cross_entropy_in_repeats" not in scores.result()
    assert scores.result()["num_bases_in_repeats"] == 0


def test_nothing_hidden_has_no_score():
    scores = MaskedBaseScores()
    scores.add(outputs([[0, 0]], [[0, 0]], [[0, 0]]), None, np.ones(1, np.float32))
    assert scores.result()["cross_entropy"] is None
