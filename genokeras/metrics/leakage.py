"""How much of a base, or a token, its corrupted form gives away.

`I(Y; X)` in nats of an original `Y` and what takes its place `X`, both among those selected. A
model can then do as well as copying allows, without knowing anything of DNA.
"""

from collections.abc import Sequence

import numpy as np


def mixed_leakage(masked: float, random: float, kept: float, num_tokens: int = 4) -> float:
    """Returns the leakage of masking, replacing and keeping with these shares, in nats.

    Of equally frequent tokens, random ones drawn independently of the original: 0 where nothing is
    kept, ln V where all is, 0.06255 of 0.8, 0.1, 0.1 and V = 4.
    """
    shown = random + kept
    if not shown:
        return 0.0
    same, other = (kept + random / num_tokens) / shown, random / num_tokens / shown
    shares = np.array([same, *[other] * (num_tokens - 1)])
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    return shown * (np.log(num_tokens) - float(entropy))


def measured_leakage(originals: np.ndarray, corrupted: np.ndarray) -> float:
    """Returns the leakage found in pairs of small numbers `[N]`, in nats.

    The plug-in estimate, less its bias to first order, (rows - 1) (columns - 1) / 2 N.
    """
    table = np.zeros((originals.max() + 1, corrupted.max() + 1))
    np.add.at(table, (originals, corrupted), 1)
    joint = table / table.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    information = (joint[there] * np.log(joint[there] / apart[there])).sum()
    rows, columns = (np.count_nonzero(table.sum(axis=axis)) for axis in (1, 0))
    return float(information - (rows - 1) * (columns - 1) / (2 * table.sum()))


def num_hidden(selected: Sequence[bool] | np.ndarray, k: int) -> int:
    """Returns how many bases no visible token tells when the tokens at `selected` are masked.

    Tokens overlap, one begins at every base: of a run of n masked ones the sum of max(0, n - k + 1)
    bases are hidden, none by a single one. Selected `[P]`.
    """
    masked = np.concatenate([[0], np.asarray(selected, np.int8), [0]])
    edges = np.diff(masked)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = ends - starts
    # At the ends of the window fewer tokens cover a base.
    beyond = (k - 1) * ((starts == 0).astype(int) + (ends == len(selected)))
    return int(np.maximum(0, lengths - k + 1 + beyond).sum())
