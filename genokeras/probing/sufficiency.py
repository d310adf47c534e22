"""What is lost between a window and its embedding: I(Y; X | Z), the information on labels.

It can be known only where p(y|x) is, as of synthetic data. An embedding Z = f(X) is sufficient if
it is 0: then I(Y; X | Z) = H(Y|Z) - H(Y|X) = E[KL(p(y|x) || p(y|z))] vanishes. All in nats.

Shapes: `M` distinct windows, `N` examples, `K` labels.
"""

import numpy as np

_TOLERANCE = 1e-6


def lost_information(
    window_probability: np.ndarray, label_probability: np.ndarray, codes: np.ndarray
) -> float:
    """Returns I(Y; X | Z) exactly, of windows that can all be listed.

    Args:
        window_probability: p(x), `[M]`.
        label_probability: p(y|x), `[M, K]`.
        codes: A number per window, `[M]`: windows that share one have the same embedding.

    Raises:
        ValueError: Probabilities do not add up to 1.
    """
    _check(window_probability[None], "window_probability")
    _check(label_probability, "label_probability")
    _, codes = np.unique(codes, return_inverse=True)
    joint = window_probability[:, None] * label_probability
    of_code = np.zeros((codes.max() + 1, joint.shape[1]))
    np.add.at(of_code, codes.ravel(), joint)
    mass = of_code.sum(axis=1, keepdims=True)
    given_code = of_code / np.where(mass > 0, mass, 1)
    return float(np.sum(window_probability * _divergence(label_probability, given_code[codes])))


def lost_information_bound(
    label_probability: np.ndarray, probe_probability: np.ndarray
) -> tuple[float, float]:
    """Returns an upper bound on I(Y; X | Z) from a probe, and the standard error of the estimate.

    The mean of KL(p(y|x) || q(y|z)) over examples that the probe q was not fitted on: more than
    what is lost by what the probe misses, and equal to it where q(y|z) = p(y|z).

    Args:
        label_probability: p(y|x) of the examples, `[N, K]`.
        probe_probability: q(y|z) of the same, `[N, K]`.

    Raises:
        ValueError: Probabilities do not add up to 1.
    """
    _check(label_probability, "label_probability")
    _check(probe_probability, "probe_probability")
    terms = _divergence(label_probability, probe_probability)
    return float(terms.mean()), float(terms.std() / np.sqrt(len(terms)))


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Returns KL(p || q) of every row; infinite where q is 0 and p is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * (np.log(p) - np.log(q)), 0).sum(axis=-1)


def _check(probability: np.ndarray, name: str) -> None:
    if np.any(probability < 0) or np.any(abs(probability.sum(axis=-1) - 1) > _TOLERANCE):
        raise ValueError(f"{name}: expected probabilities, rows of which add up to 1")
