"""Shuffles of sequences that keep every dinucleotide count, uniform over all such shuffles.

A sequence is a walk over the four letters, and its dinucleotides are the steps. A shuffle takes the
same steps in another order, from the same first to the same last letter: an Eulerian path. Of each
letter but the last of the walk, the step taken when it is left for good leads, over those of other
letters, to the last letter, so these steps form a tree. Conversely, any such tree and any order of
the other steps is a walk, hence: draw a tree, each as often as there are choices of steps for it,
then walk, drawing the other steps out of every letter without replacement (Altschul and Erickson
1985, doi:10.1093/oxfordjournals.molbev.a040370). Over four letters there are 16 trees, which are
weighed one and all.

Only runs of A, C, G and T are shuffled, each for itself. Other codes and padding stay in place, and
with the ends of a run the dinucleotides that they are in.

Shapes: `N` sequences of `L` bases, `R` runs.
"""

import itertools

import numpy as np

from tfrecords import sampling, sequence

_SHORTEST = 4  # Three letters have no second order.
_TREE = 1 << 31  # Salt of the tree's number; those of the steps are positions, which are less.


def _make_trees() -> np.ndarray:
    """Returns, for every tree that leads to letter 0, where letters 1, 2 and 3 lead to."""
    trees = []
    for targets in itertools.product(range(4), repeat=3):
        step = (0, *targets)
        if all(step[step[step[letter]]] == 0 for letter in range(4)):
            trees.append(targets)
    return np.array(trees)


_TREES = _make_trees()


def shuffle(packed: np.ndarray, length: int, keys: np.ndarray) -> np.ndarray:
    """Returns a shuffle of every sequence with the same dinucleotides, ends and other codes.

    AACAGA becomes itself, AAGACA, ACAAGA, ACAGAA, AGAACA or AGACAA, each one as likely. ACGACT,
    like every sequence whose dinucleotides have no other order, is returned as it is.

    Args:
        packed: uint8 `[N, ceil(L/2)]`.
        length: Bases per sequence, `L`.
        keys: uint32 `[N]`; a sequence and its key decide what becomes of it.
    """
    bases = np.full((len(packed), length + 1), -1, np.int8)
    bases[:, :length] = sequence.kmer_ids(packed, length, 1)
    flat = bases.ravel()
    starts, sizes = _runs(flat)
    if starts.size:
        run_keys = sampling.fold_in(keys[starts // (length + 1)], starts % (length + 1))
        _shuffle_runs(flat, starts, sizes, run_keys)
    return sequence.replace_bases(packed, length, bases[:, :length])


def _runs(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns start and size of the runs of bases that can be shuffled, the longest first.

    The last of `flat` is no base, and neither is one at the end of every sequence.
    """
    is_base = flat >= 0
    edges = np.flatnonzero(np.diff(is_base, prepend=False))
    starts, sizes = edges[0::2], edges[1::2] - edges[0::2]
    starts, sizes = starts[sizes >= _SHORTEST], sizes[sizes >= _SHORTEST]
    order = np.argsort(-sizes, kind="stable")
    return starts[order], sizes[order]


def _shuffle_runs(
    flat: np.ndarray, starts: np.ndarray, sizes: np.ndarray, keys: np.ndarray
) -> None:
    """Shuffles the runs of `flat` in place.

    Letters are counted from the last one of their run, which is 0, so that all trees lead to 0.
    """
    last_letter = flat[starts + sizes - 1]
    counts = _count_steps(flat, starts, sizes, last_letter)
    final = _draw_trees(counts, keys)
    runs = np.arange(len(starts))
    _take(counts, runs[:, None] * 4 + np.arange(1, 4), final[:, 1:])
    steps = counts.reshape(-1, 4)
    letter = (flat[starts] - last_letter) % 4
    num_walking = np.searchsorted(-sizes, -np.arange(1, sizes[0]), "left")
    for position, count in enumerate(num_walking.tolist(), start=1):
        here = runs[:count] * 4 + letter[:count]
        choice = steps[here]
        ends = choice.cumsum(axis=1)
        draw = _below(sampling.fold_in(keys[:count], position), ends[:, 3])
        letter = (ends <= draw[:, None]).sum(axis=1)
        # Where no other step is left, the one of the tree is taken.
        is_final = letter == 4
        letter = np.where(is_final, final.ravel()[here], letter)
        steps[here, letter] -= ~is_final
        flat[starts[:count] + position] = (letter + last_letter[:count]) % 4


def _count_steps(
    flat: np.ndarray, starts: np.ndarray, sizes: np.ndarray, last_letter: np.ndarray
) -> np.ndarray:
    """Returns how often every step is taken, int64 `[R, 4, 4]`."""
    run = np.repeat(np.arange(len(starts)), sizes - 1)
    offsets = np.arange(len(run)) - np.repeat(np.cumsum(sizes - 1) - (sizes - 1), sizes - 1)
    places = starts[run] + offsets
    letters = (flat[places] - last_letter[run]) % 4, (flat[places + 1] - last_letter[run]) % 4
    numbers = run * 16 + letters[0] * 4 + letters[1]
    return np.bincount(numbers, minlength=len(starts) * 16).reshape(-1, 4, 4)


def _draw_trees(counts: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Returns where the last step out of every letter leads, int64 `[R, 4]`; 0 for letter 0."""
    choices = counts.copy()
    # A letter that does not occur is no obstacle: it may lead to letter 0.
    choices[:, :, 0] += ~counts.any(axis=2)
    weights = np.prod([choices[:, letter, _TREES[:, letter - 1]] for letter in (1, 2, 3)], axis=0)
    ends = weights.cumsum(axis=1)
    halves = [sampling.fold_in(keys, _TREE + half).astype(np.uint64) for half in (0, 1)]
    draw = (halves[0] << np.uint64(32) | halves[1]) % ends[:, -1].astype(np.uint64)
    tree = (ends <= draw[:, None].astype(np.int64)).sum(axis=1)
    return np.pad(_TREES[tree], ((0, 0), (1, 0)))


def _take(counts: np.ndarray, places: np.ndarray, targets: np.ndarray) -> None:
    """Takes one step to `targets` out of the counts of the letters at `places`, where there are."""
    steps = counts.reshape(-1, 4)
    steps[places, targets] -= steps[places].any(axis=-1)


def _below(numbers: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Returns random uint32 numbers scaled to int64 ones from 0 to below their limits (or 0)."""
    return (numbers.astype(np.uint64) * limits.astype(np.uint64) >> np.uint64(32)).astype(np.int64)
