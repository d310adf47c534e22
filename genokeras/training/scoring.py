"""Loss and metrics over a whole split, with the engine that trains."""

import dataclasses
import types
from typing import Any

import numpy as np

from genokeras.models.spec import Spec
from genokeras.training.devices import Engine
from genokeras.training.stopping import EvaluationStopped, StopRequest
from tfrecords.reader import Split

_TIMES_AS_MANY, _ENOUGH = 4, 256
_NOT_METRICS = ("n", "num_undefined", "num_bases", "num_bases_in_repeats", "tasks")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a model makes of `N` examples.

    Attributes:
        scores: `loss` (and its terms, if several) and the model's metrics.
        outputs: What its `loss` returned, `[N, ...]` by name; empty if it has no `scores`.
        targets: `[N, T]`; None if it has no `scores`.
        weight: Likewise.
        running: What added up the outputs, where a model has `running_scores`.
    """

    scores: dict[str, Any]
    outputs: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    targets: np.ndarray | None = None
    weight: np.ndarray | None = None
    running: Any = dataclasses.field(default=None, compare=False)


def evaluate(
    engine: Engine,
    module: types.ModuleType,
    spec: Spec,
    split: Split,
    batch_size: int,
    limit: int | None = None,
    stop: StopRequest | None = None,
    *,
    host: int = 0,
    num_hosts: int = 1,
) -> Evaluation:
    """Runs a model over a split; with `limit`, over its first examples.

    Rows are stored in a random order, so the first ones are a sample. `batch_size` is that of
    training; without gradients more examples have room, and small batches take longer. Of several
    hosts each reads its part of every batch, and has the scores of all; each calls this.

    Raises:
        EvaluationStopped: `stop` was asked for meanwhile.
    """
    batch_size *= max(1, min(_TIMES_AS_MANY, _ENOUGH // batch_size))
    terms: dict[str, float] = {}
    weights: dict[str, float] = {}
    columns: dict[str, list[np.ndarray]] = {}
    running = module.running_scores(spec) if hasattr(module, "running_scores") else None
    for batch in split.eval_batches(batch_size, limit=limit, host=host, num_hosts=num_hosts):
        if stop:
            raise EvaluationStopped
        result = engine.evaluate_step(batch)
        labels = result["labels"]
        for name, value in result["terms"].items():
            terms[name] = terms.get(name, 0.0) + float(value)
            weights[name] = weights.get(name, 0.0) + float(result["weights"][name])
        if running is not None:
            running.add(result["outputs"], labels.get("targets"), labels["weight"])
            continue
        kept = {f"outputs/{name}": values for name, values in result["outputs"].items()}
        for name, values in (kept | labels).items():
            columns.setdefault(name, []).append(values)
    losses = {name: terms[name] / weights[name] for name in terms if weights[name]}
    scores = {"loss": sum(losses.values())} | (losses if len(losses) > 1 else {})
    if running is not None:
        return Evaluation(scores | running.result(), running=running)
    if not hasattr(module, "scores"):
        return Evaluation(scores)
    size = min(limit or split.num_examples, split.num_examples)
    joined = {name: np.concatenate(parts)[:size] for name, parts in columns.items()}
    targets, weight = joined.pop("targets"), joined.pop("weight")
    outputs = {name.removeprefix("outputs/"): values for name, values in joined.items()}
    scores |= module.scores(spec, outputs, targets, weight)
    return Evaluation(scores, outputs, targets, weight)


def metrics(scores: dict[str, Any]) -> dict[str, float | None]:
    """Returns the metrics among scores: all but counts and tasks."""
    return {name: value for name, value in scores.items() if name not in _NOT_METRICS}
