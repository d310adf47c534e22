"""Shuffles of sequences that keep every dinucleotide count, uniform over all such shuffles.

A sequence is a walk over the four letters, and its dinucleotides are the steps. A shuffle takes the
same steps in another order, from the same first to the same last letter: an Eulerian path. Of each
letter but the last of the walk, the step taken when it is left for good leads, over those of other
letters, to the last letter, so these steps form a tree. Conversely, any such tree and any order of
the other steps is a walk, hence: draw a tree, each as often as there are choices of steps for it,
put the other steps out of every letter in random order, and walk (Altschul and Erickson 1985,
doi:10.1093/oxfordjournals.molbev.a040370). Over four letters there are 16 trees, which are weighed
one and all.

Only runs of A, C, G and T are shuffled, each for itself. Other codes and padding stay in place, and
with the ends of a run the dinucleotides that they are in.

Shapes: `N` sequences of `L` bases, `R` runs, `S` steps of all of them.
"""

import itertools
from typing import NamedTuple

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
    steps = _find_steps(flat, starts, sizes, last_letter)
    counts = np.bincount(steps.number, minlength=len(starts) * 16).reshape(-1, 4, 4)
    targets = _queues(steps, counts, keys)
    first_of_letter = np.cumsum(counts.sum(axis=2)) - counts.sum(axis=2).ravel()
    run, letter = np.arange(len(starts)) * 4, (flat[starts] - last_letter) & 3
    num_walking = np.searchsorted(-sizes, -np.arange(1, sizes[0]), "left")
    for position, count in enumerate(num_walking.tolist(), start=1):
        here = run[:count] + letter[:count]
        step = first_of_letter[here]
        first_of_letter[here] = step + 1
        letter = targets[step]
        flat[starts[:count] + position] = (letter + last_letter[:count]) & 3


class _Steps(NamedTuple):
    """All steps of all runs: the run, the place in it, and `16 * run + 4 * letter + target`."""

    run: np.ndarray
    place: np.ndarray
    number: np.ndarray


def _find_steps(
    flat: np.ndarray, starts: np.ndarray, sizes: np.ndarray, last_letter: np.ndarray
) -> _Steps:
    run = np.repeat(np.arange(len(starts)), sizes - 1)
    place = np.arange(len(run)) - np.repeat(np.cumsum(sizes - 1) - (sizes - 1), sizes - 1)
    here = starts[run] + place
    letter, target = ((flat[at] - last_letter[run]) & 3 for at in (here, here + 1))
    return _Steps(run, place, run * 16 + letter * 4 + target)


def _queues(steps: _Steps, counts: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Returns where the steps lead, int8 `[S]`, letter by letter in the order they are taken.

    That is a random one, but for the step of the tree, which is the last of its letter.
    """
    tree = _draw_trees(counts, keys)
    is_last = np.zeros(len(steps.run), np.uint64)
    # Of several steps between two letters it does not matter which one is last.
    step_of_number = np.zeros(counts.size, np.int64)
    step_of_number[steps.number] = np.arange(len(steps.run))
    run, letter = np.nonzero(counts[:, 1:].any(axis=2))
    is_last[step_of_number[run * 16 + (letter + 1) * 4 + tree[run, letter]]] = 1
    random = sampling.fold_in(keys[steps.run], steps.place).astype(np.uint64)
    # Sorted as numbers: by letter of a run, last or not, and at random; the target goes along.
    number = steps.number.astype(np.uint64)
    order = number >> np.uint64(2) << np.uint64(35) | is_last << np.uint64(34)
    order |= random << np.uint64(2) | number & np.uint64(3)
    order.sort()
    return (order & np.uint64(3)).astype(np.int8)


def _draw_trees(counts: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Returns where the last steps out of letters 1, 2 and 3 lead, int64 `[R, 3]`.

    Args:
        counts: How often each step is taken, int64 `[R, 4, 4]`.
        keys: uint32 `[R]`.
    """
    choices = counts.copy()
    # A letter that does not occur is no obstacle: it may lead to letter 0.
    choices[:, :, 0] += ~counts.any(axis=2)
    weights = np.prod([choices[:, letter, _TREES[:, letter - 1]] for letter in (1, 2, 3)], axis=0)
    ends = weights.cumsum(axis=1)
    halves = [sampling.fold_in(keys, _TREE + half).astype(np.uint64) for half in (0, 1)]
    draw = (halves[0] << np.uint64(32) | halves[1]) % ends[:, -1].astype(np.uint64)
    return _TREES[(ends <= draw[:, None].astype(np.int64)).sum(axis=1)]
