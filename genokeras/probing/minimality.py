"""How much of a window an embedding holds: bounds on I(Z; X), in nats.

An embedding that is a function of the window, f(x), holds all that it does not throw away, H(Z),
which says little, and of real numbers nothing at all. So it is asked after noise of a known size
has been added, Z = f(X) + noise * N(0, 1), or after rounding.

Shapes: `N` and `B` windows, `D` dimensions.
"""

import numpy as np

_ROWS = 4096  # Of what is computed in float64 at a time.


def information_bounds(
    train: np.ndarray, test: np.ndarray, noise: float, *, batch_size: int = 1024, seed: int = 0
) -> dict[str, float]:
    """Returns bounds on I(Z; X) of embeddings with noise added to every dimension.

    Args:
        train: Embeddings `[N, D]`, whose mean and covariance are those of r(z).
        test: Embeddings `[B, D]` of other windows, which the bounds are of.
        noise: Standard deviation of the noise, above 0.
        batch_size: Windows that InfoNCE tells apart at a time.
        seed: Of the noise.

    Returns:
        `lower`, by InfoNCE with the true density q(z|x), never above `most`, the logarithm of
        the windows compared (arXiv:1807.03748, arXiv:1905.06922), and `upper`, the mean of
        KL(q(z|x) || r(z)), r being a normal distribution.

    Raises:
        ValueError: The noise is not above 0, or there are fewer than two windows.
    """
    if not noise > 0:
        raise ValueError(f"noise must be above 0, got {noise}: without any, I(Z; X) has no bound")
    if min(len(train), len(test)) < 2:
        raise ValueError(f"expected at least 2 windows, got {len(train)} and {len(test)}")
    rng, size = np.random.default_rng(seed), min(batch_size, len(test))
    lower = []
    for start in range(0, len(test) - size + 1, size):
        means = test[start : start + size].astype(np.float64)
        drawn = means + noise * rng.standard_normal(means.shape)
        lower.append(info_nce_bound(_log_density(drawn, means, noise)))
    upper = _divergence_bound(train, test, noise)
    return {"lower": float(np.mean(lower)), "upper": upper, "most": float(np.log(size))}


def info_nce_bound(critic: np.ndarray) -> float:
    """Returns the InfoNCE bound of a critic of pairs `[B, B]`, whose diagonal are the true ones.

    The mean of critic(z_i, x_i) minus the logarithm of the mean over all x_j of exp(critic): at
    most ln B, whatever the critic.
    """
    highest = critic.max(axis=1, keepdims=True)
    log_mean = np.log(np.mean(np.exp(critic - highest), axis=1)) + highest[:, 0]
    return float(np.mean(np.diagonal(critic) - log_mean))


def rounded_bounds(embeddings: np.ndarray, step: float) -> dict[str, float]:
    """Returns bounds on H(Z) = I(Z; X) of embeddings `[N, D]` rounded to multiples of `step`.

    `lower` is the entropy of what was found, never above the logarithm of `N`; too low on average,
    as some of the rest was not met. `upper` is the sum of the entropies of the dimensions, as if
    they were independent, each with its own such bias, small where values are few.

    Raises:
        ValueError: The step is not above 0.
    """
    if not step > 0:
        raise ValueError(f"step must be above 0, got {step}")
    codes = np.round(embeddings / step).astype(np.int64)
    lower = _entropy(np.unique(codes, axis=0, return_counts=True)[1])
    upper = sum(_entropy(np.unique(column, return_counts=True)[1]) for column in codes.T)
    return {"lower": lower, "upper": float(upper), "most": float(np.log(len(codes)))}


def _log_density(drawn: np.ndarray, means: np.ndarray, noise: float) -> np.ndarray:
    """Returns ln q(z_i | x_j) `[B, B]`, but for a constant."""
    centre = means.mean(axis=0)
    drawn, means = drawn - centre, means - centre
    cross = drawn @ means.T
    squares = np.square(means).sum(axis=1)
    return (cross - squares / 2) / noise**2


def _divergence_bound(train: np.ndarray, test: np.ndarray, noise: float) -> float:
    """Returns the mean over `test` of KL(N(f, noise^2) || N(mean, covariance)) of `train`."""
    dimensions, mean = train.shape[1], train.mean(axis=0, dtype=np.float64)
    own = noise**2 * np.eye(dimensions)
    covariance = _second_moment(train, mean) + own
    # Traces are linear: distances from the mean and the noise around each window in one.
    trace = np.trace(np.linalg.solve(covariance, _second_moment(test, mean) + own))
    log_ratio = np.linalg.slogdet(covariance)[1] - dimensions * np.log(noise**2)
    return float((trace - dimensions + log_ratio) / 2)


def _second_moment(embeddings: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Returns the mean over windows of the products of deviations from a centre, `[D, D]`."""
    total = np.zeros((len(centre), len(centre)))
    for start in range(0, len(embeddings), _ROWS):
        moved = embeddings[start : start + _ROWS] - centre
        total += moved.T @ moved
    return total / len(embeddings)


def _entropy(counts: np.ndarray) -> float:
    shares = counts / counts.sum()
    return float(-np.sum(shares * np.log(shares)))
