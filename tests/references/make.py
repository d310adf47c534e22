"""Writes `peers.json`: what other libraries make of given numbers, and their versions.

In an environment of its own:

    pip install -r tests/references/requirements.txt
    python tests/references/make.py

`tests/test_peers.py` compares with what is written there, whatever is installed. Every entry has
`given` and `expected`.
"""

import importlib.metadata
import json
import os
import pathlib
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import keras_hub
import numpy as np
import torch
from sklearn import linear_model, metrics
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
PACKAGES = ("keras-hub", "keras", "torch", "scikit-learn", "numpy")
IGNORED = -100


def main() -> None:
    """Computes all of them."""
    rng = np.random.default_rng(0)
    peers = {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "rotary": rotary(rng),
        "cross_entropy": cross_entropy(rng),
        "nt_xent": nt_xent(rng),
        "info_nce": info_nce(rng),
        "scores": scores(rng),
        "linear_models": linear_models(rng),
    }
    text = json.dumps(peers, default=lambda values: values.tolist())
    (HERE / "peers.json").write_text(text.replace('}, "', '},\n "') + "\n")


def rotary(rng: np.random.Generator) -> dict[str, Any]:
    """keras_hub's rotary positions, from `start` on; `x` is `[B, L, H, D]`."""
    x, start = drawn(rng, 2, 6, 2, 8), 3
    layer = keras_hub.layers.RotaryEmbedding(max_wavelength=10_000)
    turned = keras.ops.convert_to_numpy(layer(x.astype(np.float32), start_index=start))
    return {"given": {"x": x, "start": start}, "expected": {"turned": turned}}


def cross_entropy(rng: np.random.Generator) -> dict[str, Any]:
    """PyTorch's, of the bases that are selected: all others it is told to ignore."""
    logits, bases = drawn(rng, 3, 8, 4), rng.integers(0, 4, (3, 8))
    selected = rng.random((3, 8)) < 0.4
    x = torch.tensor(logits, requires_grad=True)
    labels = torch.tensor(np.where(selected, bases, IGNORED))
    loss = functional.cross_entropy(x.reshape(-1, 4), labels.reshape(-1), ignore_index=IGNORED)
    loss.backward()
    given = {"logits": logits, "bases": bases, "selected": selected.astype(int)}
    return {"given": given, "expected": {"loss": loss.item(), "gradient": x.grad.numpy()}}


def nt_xent(rng: np.random.Generator) -> dict[str, Any]:
    """PyTorch's cross-entropy of every view's similarities to all others, and its gradient."""
    views, temperature = unit(drawn(rng, 2, 6, 5)), 0.2
    x = torch.tensor(views, requires_grad=True)
    stacked = x.reshape(12, 5)
    logits = (stacked @ stacked.T / temperature).fill_diagonal_(-torch.inf)
    other = torch.arange(12).roll(6)
    costs = functional.cross_entropy(logits, other, reduction="none")
    costs.mean().backward()
    costs = costs.detach().numpy().reshape(2, 6).mean(axis=0)
    given = {"views": views, "temperature": temperature}
    return {"given": given, "expected": {"costs": costs, "gradient": x.grad.numpy()}}


def info_nce(rng: np.random.Generator) -> dict[str, Any]:
    """In NumPy, with the gradient written down: softmax less one for the pair."""
    views, temperature = unit(drawn(rng, 2, 6, 5)), 0.3
    first, second = views
    shares = np.exp(first @ second.T / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    costs = -np.log(np.diag(shares))
    towards = (shares - np.eye(6)) / temperature / 6
    gradient = np.stack([towards @ second, towards.T @ first])
    given = {"views": views, "temperature": temperature}
    return {"given": given, "expected": {"costs": costs, "gradient": gradient}}


def scores(rng: np.random.Generator) -> dict[str, Any]:
    """scikit-learn's, of logits with many ties."""
    targets, logits = rng.integers(0, 2, 60), rng.integers(-3, 4, 60) / 2
    called = logits > 0
    expected = {
        "auroc": metrics.roc_auc_score(targets, logits),
        "auprc": metrics.average_precision_score(targets, logits),
        "mcc": metrics.matthews_corrcoef(targets, called),
        "accuracy": metrics.accuracy_score(targets, called),
        "f1": metrics.f1_score(targets, called),
        "log_loss": metrics.log_loss(targets, 1 / (1 + np.exp(-logits))),
    }
    return {"given": {"targets": targets, "logits": logits}, "expected": expected}


def linear_models(rng: np.random.Generator) -> dict[str, Any]:
    """scikit-learn's logistic and ridge regression of weighted examples."""
    x, weight = drawn(rng, 40, 3), rng.choice([0.5, 1.0, 2.0], 40)
    targets = (x @ [1, -2, 0.5] + rng.normal(size=40) > 0).astype(int)
    logistic = linear_model.LogisticRegression(C=0.1, max_iter=5000)
    ridge = linear_model.Ridge(alpha=10.0)
    expected = {}
    for name, model in (("logistic", logistic), ("ridge", ridge)):
        model.fit(x, targets, sample_weight=weight)
        expected[name] = {
            "weights": np.ravel(model.coef_),
            "bias": float(np.ravel(model.intercept_)[0]),
        }
    return {
        "given": {"x": x, "targets": targets, "weight": weight, "penalty": 0.1},
        "expected": expected,
    }


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Returns normal numbers of four digits."""
    return rng.normal(size=shape).round(4)


def unit(x: np.ndarray) -> np.ndarray:
    """Returns vectors of length one."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


if __name__ == "__main__":
    main()
