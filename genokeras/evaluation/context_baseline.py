"""How well the bases right beside a hidden one tell it: what a masked language model has to beat.

The size of contexts and how far they are drawn towards smaller ones are chosen on the valid split.
"""

import dataclasses
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from genokeras.evaluation.context_model import PRIORS, ContextModel, count_kmers
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.metrics.masked_bases import MaskedBaseScores
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.reader import Dataset, Split

MAX_CONTEXT_BP = 5
# Enough for each context of ten bases to be there ten times; more takes longer and changes little.
_MAX_TRAIN_BASES = 50_000_000
_MAX_VALID_WINDOWS = 2_000
_FIELDS = ("bases", "selected", "repeat", "sequence")
_WITHOUT_VALID = {"context_bp": 4, "prior": 16.0}


@dataclasses.dataclass(frozen=True)
class AskedBases:
    """What a model is asked in a batch: bases `[B, L]`, those it sees (-1: none), and the rest.

    `selected` are those to tell, `repeat` those in repeats, bool `[B, L]`; `weight` `[B]` is 0 of
    padding, `mask_rate` the share that is selected.
    """

    bases: np.ndarray
    seen: np.ndarray
    selected: np.ndarray
    repeat: np.ndarray
    weight: np.ndarray
    mask_rate: float


def fit_context_model(
    run: Run,
    dataset: Dataset,
    *,
    max_context_bp: int = MAX_CONTEXT_BP,
    shown: bool = False,
    behind: bool = True,
) -> ContextModel:
    """Returns the model of the train split, as it suits the valid split best.

    Args:
        run: Of a masked language model.
        dataset: Its dataset.
        max_context_bp: Of contexts on either side. Counts of 6 take a gigabyte, those of 5 a
            sixteenth.
        shown: Whether it is shown all bases but the one that it is asked for.
        behind: Whether the bases behind a base may tell it as well as those before.
    """
    windows = SplitWindows(dataset, "train")
    limit = max(1, _MAX_TRAIN_BASES // windows.length)
    parts = (part["sequence"] for part in windows.parts(limit=limit))
    counts = count_kmers(parts, windows.length, (1 + behind) * max_context_bp + 1)
    if not dataset.manifest.splits.get("valid"):
        return ContextModel(counts, **_WITHOUT_VALID, behind=behind)
    valid = dataset.split("valid")
    batches = list(asked_bases(run, valid, limit=_MAX_VALID_WINDOWS, shown=shown))
    choices = [
        ContextModel(counts, context_bp, prior, behind)
        for context_bp in range(1, max_context_bp + 1)
        for prior in PRIORS
    ]
    return min(choices, key=lambda model: scores_of(model, batches).result()["cross_entropy"])


def asked_bases(
    run: Run,
    split: Split,
    batch_size: int = 256,
    *,
    limit: int | None = None,
    shown: bool = False,
) -> Iterator[AskedBases]:
    """Yields what an evaluation of a masked language model asks, batch by batch.

    Args:
        run: Of the model.
        split: Of its dataset.
        batch_size: Windows of a batch; what is asked does not depend on it.
        limit: So many windows; None: all.
        shown: Each base is asked for by itself, all others being shown.
    """
    module: types.ModuleType = run.model_module
    for batch in split.eval_batches(batch_size, limit=limit):
        weight = batch["weight"].reshape(batch_size, -1).max(axis=1)
        asked = module.prepare(run.config, run.spec, batch, training=False)
        asked = {name: ops.convert_to_numpy(asked[name]) for name in _FIELDS}
        seen = sequence.kmer_ids(asked.pop("sequence"), run.spec.length, 1)
        seen = np.where(asked["selected"], asked["bases"] if shown else -1, seen)
        yield AskedBases(**asked, seen=seen, weight=weight, mask_rate=run.config.mask_rate)


def scores_of(model: ContextModel, batches: Any) -> MaskedBaseScores:
    """Returns the scores of a model of contexts on what `asked_bases` yields."""
    scores = MaskedBaseScores()
    for asked in batches:
        found = model.probabilities(asked.seen, asked.selected)
        truth = asked.bases[asked.selected]
        told = np.take_along_axis(found, truth[:, None], axis=1)[:, 0]
        values = {
            "num_bases": np.ones(len(truth)),
            "cross_entropy": -np.log(told),
            "num_right": found.argmax(axis=1) == truth,
        }
        rows, kind = np.nonzero(asked.selected)[0], asked.repeat[asked.selected].astype(int)
        outputs = {"mask_rate": np.full(len(asked.bases), asked.mask_rate)}
        for name, of_bases in values.items():
            outputs[name] = np.zeros((len(asked.bases), 2))
            np.add.at(outputs[name], (rows, kind), of_bases)
        scores.add(outputs, None, asked.weight)
    return scores
