"""Features and labels without windows behind them."""

import types

import numpy as np
import pytest

from genokeras.evaluation.scores import Labels
from genokeras.probing.encoders import Encoder
from genokeras.probing.features import Features
from genokeras.probing.labelled_data import LabelledData, Part


@pytest.fixture
def made():
    """Makes features of an embedding, and labelled data, from arrays `(x, y)` by split."""

    def make(splits, task_type="binary", tasks=("label",), weight=None, kind="run"):
        manifest = types.SimpleNamespace(task_type=task_type, tasks=tasks)
        parts = {}
        for split, (_, y) in splits.items():
            targets = np.asarray(y, np.float32).reshape(-1, len(tasks))
            known = np.ones_like(targets) if weight is None else weight[split]
            parts[split] = Part(None, Labels(task_type, tasks, targets, known))
        arrays = {split: np.asarray(x, np.float32) for split, (x, _) in splits.items()}
        encoder = Encoder("made", kind, None)
        return Features(encoder, arrays, None), LabelledData(manifest, parts)

    return make


@pytest.fixture
def two_classes():
    """Draws points `[N, 2]` of two normal classes, 2 apart in the first dimension, and labels."""

    def draw(count, seed, distance=2.0):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, count)
        x = rng.normal(size=(count, 2))
        x[:, 0] += distance * (y - 0.5)
        return x, y

    return draw
