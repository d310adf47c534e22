"""How many examples are evaluated at a time, and that scores are sums over all of them."""

import types

import numpy as np
import pytest

from genokeras.training import scoring

NO_METRICS = types.SimpleNamespace()


class Halves:
    """A split of four examples in two batches, that keeps the size it was asked for."""

    num_examples = 4

    def eval_batches(self, batch_size, limit=None, host=0, num_hosts=1):
        self.batch_size = batch_size
        for values in ([1.0, 2.0], [3.0, 6.0]):
            yield {"x": np.array(values), "targets": np.array(values), "weight": np.ones(2)}


class Sum:
    """An engine whose loss is the number itself, all with weight 1."""

    def place(self, batch):
        return batch

    def evaluate_step(self, batch):
        terms = {"error": batch["x"].sum()}
        labels = {name: batch[name] for name in ("targets", "weight")}
        weights = {"error": len(batch["x"])}
        return {"terms": terms, "weights": weights, "outputs": {}, "labels": labels}


@pytest.mark.parametrize(
    ("of_training", "of_evaluation"), [(1, 4), (32, 128), (64, 256), (100, 200), (512, 512)]
)
def test_small_batches_of_training_are_taken_together(of_training, of_evaluation):
    split = Halves()
    found = scoring.evaluate(Sum(), NO_METRICS, None, split, of_training)
    assert split.batch_size == of_evaluation
    assert found.scores == {"loss": 3.0}


class Largest:
    """Metrics that keep no outputs: the largest number so far, and how many there were."""

    def __init__(self):
        self.seen = []

    def add(self, outputs, targets, weight):
        self.seen.append((float(np.max(outputs["x"])), len(targets), weight.sum()))

    def result(self):
        return {"largest": max(x for x, *_ in self.seen), "n": sum(n for _, n, _ in self.seen)}


class Echo(Sum):
    def evaluate_step(self, batch):
        return super().evaluate_step(batch) | {"outputs": {"x": batch["x"]}}


def test_a_model_may_add_its_metrics_up_batch_by_batch():
    metrics = Largest()
    module = types.SimpleNamespace(running_scores=lambda spec: metrics)
    found = scoring.evaluate(Echo(), module, None, Halves(), 64)
    assert metrics.seen == [(2.0, 2, 2.0), (6.0, 2, 2.0)]
    assert found == scoring.Evaluation({"loss": 3.0, "largest": 6.0, "n": 4})
