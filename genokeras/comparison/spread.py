"""How sure a mean over seeds is, or a difference of two: over test examples and over seeds.

Two things move a score: which examples the test split happens to hold, the same ones for every run
on it, and the seed of the training. The first is measured by the bootstrap: resample `r` is the
same examples for all runs, so the mean over seeds, or the difference of two means, is taken within
each, and the standard deviation over resamples is its error. The second is the standard deviation
over seeds by the square root of their number. The two variances add up (what seeds do differently
on different examples is in both, so that the sum errs on the safe side), and the degrees of freedom
are those of Welch and Satterthwaite (doi:10.2307/3002019): few where most of the variance is that
of few seeds, no limit where it is that of the examples.

Shapes: `S` seeds, `R` resamples.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import special

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over seeds and how far it may be off; None is what cannot be known.

    Attributes:
      mean: Over the seeds.
      ci: Ends of the 95% interval; it covers what `covers` says.
      p: Of a mean as far from 0 as this, in either direction, if it were 0.
      covers: `examples and seeds`, `examples` (there is one seed), `seeds` (there are no
        resamples) or `nothing`.
      error_of_examples: Standard error from the choice of test examples.
      error_of_seeds: Standard error from the choice of seeds.
      degrees: Degrees of freedom of both together; None: no limit.
    """

    mean: float
    ci: tuple[float, float] | None
    p: float | None
    covers: str
    error_of_examples: float | None
    error_of_seeds: float | None
    degrees: float | None


def estimate(scores: np.ndarray, samples: np.ndarray | None) -> Estimate:
    """Returns the mean of scores `[S]`, or of differences, with its 95% interval.

    Args:
      scores: Of each seed, `[S]`, one at least.
      samples: What every resample of the test examples gives instead, `[S, R]`; NaN where it gives
        nothing. None: unknown.
    """
    mean = float(np.mean(scores))
    of_examples, of_seeds = _error_of_examples(samples), _error_of_seeds(scores)
    kinds = [("examples", of_examples), ("seeds", of_seeds)]
    covers = " and ".join(name for name, error in kinds if error is not None) or "nothing"
    variance = sum(error**2 for _, error in kinds if error is not None)
    known = covers, of_examples, of_seeds
    if variance == 0:
        # Nothing moves: the same run under two names. Or nothing is known.
        is_same = covers != "nothing" and mean == 0
        return Estimate(
            mean, (0.0, 0.0) if is_same else None, 1.0 if is_same else None, *known, None
        )
    degrees = math.inf
    if of_seeds:
        degrees = (len(scores) - 1) * (variance / of_seeds**2) ** 2
    error = math.sqrt(variance)
    reach = _quantile((1 + LEVEL) / 2, degrees) * error
    p = 2 * _below(-abs(mean) / error, degrees)
    limited = degrees if math.isfinite(degrees) else None
    return Estimate(mean, (mean - reach, mean + reach), p, *known, limited)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Returns p-values corrected for how many there are, by Holm's method; None stays None.

    Where those below 0.05 are called differences, the chance that any of these calls is wrong is 5%
    at most, however the tests depend on each other. Source: Holm, Scand. J. Stat. 6, 65 (1979),
    https://www.jstor.org/stable/4615733.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        corrected[place] = largest
    return corrected


def _quantile(level: float, degrees: float) -> float:
    """Returns the number below which a share of Student's t is, of the normal without limit."""
    found = special.ndtri(level) if degrees == math.inf else special.stdtrit(degrees, level)
    return float(found)


def _below(value: float, degrees: float) -> float:
    """Returns the share of Student's t below a value; the other way round."""
    found = special.ndtr(value) if degrees == math.inf else special.stdtr(degrees, value)
    return float(found)


def _error_of_examples(samples: np.ndarray | None) -> float | None:
    if samples is None:
        return None
    of_means = samples.mean(axis=0)
    defined = of_means[np.isfinite(of_means)]
    # As of an interval: where half of the resamples have no score, there is none.
    return float(np.std(defined, ddof=1)) if 2 * len(defined) > len(of_means) else None


def _error_of_seeds(scores: np.ndarray) -> float | None:
    if len(scores) < 2:
        return None
    return float(np.std(scores, ddof=1) / math.sqrt(len(scores)))
