"""Monitors of contrastive learning, from vectors whose answers are known."""

import numpy as np
import pytest

from genokeras.metrics import contrastive
from genokeras.metrics.contrastive import ContrastiveScores, effective_rank


def outputs(first, second, temperature=0.1, **more):
    size = len(first)
    return {
        "first": first.astype(np.float32),
        "second": second.astype(np.float32),
        "mutated": np.linspace(0, 0.2, size, dtype=np.float32),
        "identity": np.arange(size, dtype=np.int32),
        "temperature": np.full(size, temperature, np.float32),
    } | more


def scores(given, batches=1):
    running = ContrastiveScores()
    for rows in np.array_split(np.arange(len(given["first"])), batches):
        part = {name: values[rows] for name, values in given.items()}
        running.add(part, None, np.ones(len(rows), np.float32))
    return running.result()


def unit(rng, rows, size):
    x = rng.normal(size=(rows, size))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_perfect_views():
    found = scores(outputs(np.eye(8), np.eye(8)))
    assert found["alignment"] == 0
    assert found["positive_similarity"] == pytest.approx(1)
    assert found["negative_similarity"] == 0
    assert found["uniformity"] == pytest.approx(-4)
    assert found["effective_rank"] == pytest.approx(7)
    assert found["p0"] == pytest.approx(1 / (1 + 7 * np.exp(-10)))
    assert (found["retrieval_top_1"], found["retrieval_top_5"]) == (1, 1)
    assert found["mutation_rate"] == pytest.approx(0.1)
    assert found["temperature"] == pytest.approx(0.1)
    assert found["n"] == 8


def test_collapsed_views():
    found = scores(outputs(np.ones((8, 1)), np.ones((8, 1))))
    assert found["alignment"] == found["uniformity"] == found["effective_rank"] == 0
    assert found["p0"] == pytest.approx(1 / 8)
    assert found["retrieval_top_5"] == 0


def test_retrieval_counts_better_negatives_and_leaves_out_the_same_dna():
    first, second = np.eye(8), np.eye(8)[[1, 0, 2, 3, 4, 5, 6, 7]]
    found = scores(outputs(first, second))
    assert found["retrieval_top_1"] == pytest.approx(6 / 8)
    twins = np.array([0, 0, 2, 3, 4, 5, 6, 7], np.int32)
    assert scores(outputs(first, second, identity=twins))["p0"] > found["p0"]
    places = {"chrom_id": np.zeros(8, np.int32), "start": np.arange(8) * 10}
    places["end"] = places["start"] + 11
    assert scores(outputs(first, second, **places))["p0"] > found["p0"]


def test_batches_and_padding_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    given = outputs(unit(rng, 60, 6), unit(rng, 60, 6))
    monkeypatch.setattr(contrastive, "SAMPLE", 25)
    whole = scores(given)
    assert whole["n"] == 25
    for name, value in scores(given, batches=7).items():
        assert value == pytest.approx(whole[name], rel=1e-9), name
    running = ContrastiveScores()
    padded = {name: np.concatenate([values, values[:4]]) for name, values in given.items()}
    running.add(padded, None, np.repeat([1.0, 0.0], [60, 4])[:, None])
    assert running.result() == whole


def test_the_effective_rank_of_known_spectra():
    assert effective_rank(np.eye(5)) == pytest.approx(5)
    assert effective_rank(np.diag([1.0, 0, 0])) == pytest.approx(1)
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(np.exp(0.5623351446))


def test_nothing_to_compare_with():
    one = {name: values[:1] for name, values in outputs(np.eye(4), np.eye(4)).items()}
    assert scores(one)["p0"] is None
