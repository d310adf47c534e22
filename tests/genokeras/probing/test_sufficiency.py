import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from genokeras.probing.sufficiency import lost_information, lost_information_bound

# Four windows; the label depends on the first two bits of three, in different ways.
PROBABILITY = np.array([0.1, 0.2, 0.3, 0.4])
LABELS = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.05, 0.95]])


def entropy(p):
    p = np.asarray(p)[np.asarray(p) > 0]
    return float(-np.sum(p * np.log(p)))


def test_the_window_itself_loses_nothing_and_a_constant_all():
    """All is I(Y; X) = H(Y) - H(Y|X), from the entropies themselves."""
    of_label = PROBABILITY @ LABELS
    conditional = sum(p * entropy(row) for p, row in zip(PROBABILITY, LABELS, strict=True))
    everything = entropy(of_label) - conditional
    assert lost_information(PROBABILITY, LABELS, np.arange(4)) == pytest.approx(0, abs=1e-12)
    assert lost_information(PROBABILITY, LABELS, np.zeros(4)) == pytest.approx(everything)
    # H(Y|Z) - H(Y|X) of a code of two values.
    codes = np.array([7, 7, 3, 3])
    given = 0.0
    for code in (3, 7):
        here = codes == code
        mass = PROBABILITY[here].sum()
        given += mass * entropy(PROBABILITY[here] @ LABELS[here] / mass)
    lost = lost_information(PROBABILITY, LABELS, codes)
    assert lost == pytest.approx(given - conditional)
    assert 0 < lost < everything


def test_a_sufficient_code_may_forget_what_labels_do_not_depend_on():
    labels = LABELS[[0, 0, 2, 2]]
    assert lost_information(PROBABILITY, labels, [0, 0, 1, 1]) == pytest.approx(0, abs=1e-12)
    assert lost_information(PROBABILITY, labels, [0, 1, 0, 1]) > 0.05


def test_a_probe_bounds_it_from_above():
    """Motif or not, with known p(y|x): a probe of its presence comes to 0, of noise to I(Y; X)."""
    rng = np.random.default_rng(0)
    has_motif = rng.integers(0, 2, 20000)
    truth = np.where(has_motif[:, None] == 1, [[0.1, 0.9]], [[0.8, 0.2]])
    label = (rng.random(20000) < truth[:, 1]).astype(int)
    fitted, asked = slice(0, 10000), slice(10000, None)

    def bound(z):
        probe = LogisticRegression().fit(z[fitted], label[fitted])
        return lost_information_bound(truth[asked], probe.predict_proba(z[asked]))

    exact = lost_information(np.full(2, 0.5), np.array([[0.8, 0.2], [0.1, 0.9]]), [0, 0])
    kept, error = bound(has_motif[:, None] + 0.001 * rng.normal(size=(20000, 1)))
    assert 0 <= kept < 1e-3
    assert error < 1e-3
    lost, error = bound(rng.normal(size=(20000, 1)))
    assert lost == pytest.approx(exact, abs=1e-3 + 3 * error)


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match="label_probability: expected probabilities, rows of whic"):
        lost_information(PROBABILITY, 2 * LABELS, np.arange(4))
    with pytest.raises(ValueError, match="window_probability: expected probabilities"):
        lost_information(PROBABILITY / 2, LABELS, np.arange(4))
    with pytest.raises(ValueError, match="probe_probability: expected probabilities"):
        lost_information_bound(LABELS, -LABELS)
