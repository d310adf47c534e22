"""A 6-mer logistic regression on the same split: the score that a network has to beat.

Features: how often each 6-mer occurs in a window, together with its reverse complement (2080 of
them; of stranded data, where the opposite strand says something else, all 4096), as square roots,
which evens out the variance of counts. Places with an ambiguous base or padding are skipped. The
strength of the regularisation is chosen on the valid split. A task with real-valued targets gets a
ridge regression on the same features.

Shapes: `N` examples of `L` bp, `F` features, `T` tasks; packed sequences uint8 `[N, ceil(L/2)]`.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from scipy import sparse

from genokeras.evaluation.linear_fit import Labelled, fit
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset

K = 6
# Two hundred thousand windows of 101 bp; more takes longer and gains nothing for 2080 weights.
_MAX_KMERS = 20_000_000


@dataclasses.dataclass(frozen=True)
class Examples:
    """Windows as features `[N, F]`, with float targets and weights `[N, T]` (0 = missing)."""

    features: sparse.csr_matrix
    targets: np.ndarray
    weight: np.ndarray


@dataclasses.dataclass(frozen=True)
class KmerModel:
    """A linear model on k-mer features: weights `[F, T]`, bias and chosen penalty `[T]`."""

    k: int
    stranded: bool
    weights: np.ndarray
    bias: np.ndarray
    penalty: tuple[float, ...]

    def logits(self, features: sparse.csr_matrix) -> np.ndarray:
        """Returns the scores `[N, T]` of examples: logits, or predictions of a regression."""
        return features @ self.weights + self.bias


def kmer_features(
    packed: np.ndarray, length: int, k: int = K, stranded: bool = False
) -> sparse.csr_matrix:
    """Returns the square roots of k-mer counts, `[N, F]`; unless `stranded`, up to strand."""
    columns = np.arange(4**k) if stranded else sequence.pair_of_kmer(k)
    ids = sequence.kmer_ids(packed, length, k)
    rows, places = np.nonzero(ids >= 0)
    counts = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, columns[ids[rows, places]])),
        shape=(len(ids), int(columns.max()) + 1),
    )
    return counts.sqrt()


def fit_baseline(dataset: Dataset, k: int = K) -> KmerModel:
    """Fits one linear model per task on the train split, its penalty chosen on the valid split.

    Of a large dataset the first rows are used, a random sample: a dataset stores its rows in the
    order of a seeded hash. Without a valid split the penalty is `linear_fit.DEFAULT_PENALTY`.

    Raises:
      InputError: there is no train split, or the windows are shorter than `k`.
    """
    length = dataset.manifest.window_bp
    if length < k:
        raise InputError(f"the baseline counts {k}-mers; windows of {length} bp hold none")
    stranded = dataset.manifest.reverse_complement == "none"
    train = read_examples(SplitWindows(dataset, "train"), k, stranded)
    has_valid = "valid" in dataset.manifest.splits
    valid = read_examples(SplitWindows(dataset, "valid"), k, stranded) if has_valid else None
    task_type, num_tasks = dataset.manifest.task_type, train.targets.shape[1]
    fits = [
        fit(task_type, _labelled(train, task), valid and _labelled(valid, task))
        for task in range(num_tasks)
    ]
    weights, bias, penalty = zip(*fits, strict=True)
    return KmerModel(k, stranded, np.stack(weights, axis=1), np.array(bias), penalty)


def kmer_logits(model: KmerModel, windows: SplitWindows) -> np.ndarray:
    """Returns the baseline's scores `[N, T]` of the windows of a split."""
    options = model.k, model.stranded, windows
    return np.concatenate([model.logits(_features(*options, part)) for part in windows.parts()])


def read_examples(windows: SplitWindows, k: int = K, stranded: bool = False) -> Examples:
    """Reads a split as k-mer features, of a large one the first examples only."""
    features, targets, weight = [], [], []
    for part in windows.parts(limit=max(1, _MAX_KMERS // windows.length)):
        features.append(_features(k, stranded, windows, part))
        targets.append(part["targets"])
        weight.append(part["weight"])
    return Examples(sparse.vstack(features), np.concatenate(targets), np.concatenate(weight))


def _features(
    k: int, stranded: bool, windows: SplitWindows, part: Mapping[str, np.ndarray]
) -> sparse.csr_matrix:
    return kmer_features(part["sequence"], windows.length, k, stranded)


def _labelled(examples: Examples, task: int) -> Labelled:
    return Labelled.of(examples.features, examples.targets[:, task], examples.weight[:, task])
