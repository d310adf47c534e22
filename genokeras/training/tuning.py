"""Which weights learn where a run begins with those of another one: all, new ones, or adapters.

Adapters are low-rank changes of dense layers, `kernel + alpha / rank * a b`, of which `b` begins as
zeros (LoRA, arXiv:2106.09685). Keras makes them, and merges them into the kernels when it saves a
model; checkpoints hold them apart.
"""

from collections.abc import Collection, Mapping

import keras
import numpy as np

from genokeras.layers.transformer_block import TransformerBlock
from genokeras.models.spec import belongs_to_tasks
from genokeras.training import variables
from genokeras.training.about import num_parameters
from genokeras.training.train_config import LORA_RANK, TrainConfig
from tfrecords.errors import InputError

_A, _B = "lora_kernel_a", "lora_kernel_b"


def apply(model: keras.Model, new: Collection[str], training: TrainConfig) -> str | None:
    """Makes learn what is to learn, before the optimizer is built; returns a line on it.

    Layers of which nothing learns behave as in evaluation: batch norms use what they have stored,
    the dropout within blocks drops nothing. That between layers goes on.

    Args:
        model: With the weights to begin with.
        new: Names of the weights that are not another run's.
        training: With `tune`: `full`, `frozen` (what was copied stays as it is, but the weights of
            tasks, which learn in any case), or `lora` (the same, with adapters).

    Raises:
        InputError: Nothing would learn.
    """
    if training.tune == "full":
        return None
    named = variables.named(model.weights).items()
    kept = {id(v) for name, v in named if name not in new and not belongs_to_tasks(name)}
    num_adapted = _adapt(model, kept, training) if training.tune == "lora" else 0
    for layer in model._flatten_layers(include_self=False):
        if layer.weights and all(id(weight) in kept for weight in layer.weights):
            layer.trainable = False
    for weight in model.weights:
        if id(weight) in kept:
            weight.trainable = False
    learning, total = num_parameters(model), model.count_params()
    if not learning:
        raise InputError(
            f"tune={training.tune} leaves nothing to learn, since all of {model.name} was copied: "
            "use tune=full"
        )
    adapters = f", adapters of rank {_rank(training)} in {num_adapted} layers" * bool(num_adapted)
    return f"tune={training.tune}: {learning:,} of {total:,} parameters learn{adapters}"


def merged(arrays: Mapping[str, np.ndarray], training: TrainConfig) -> dict[str, np.ndarray]:
    """Returns the arrays of a checkpoint, by name, with adapters merged into what they adapt."""
    scale = _alpha(training) / _rank(training)
    found = {name: x for name, x in arrays.items() if not name.endswith((_A, _B))}
    for name in arrays.keys() - found.keys():
        if name.endswith(_A):
            layer = name.removesuffix(_A)
            kernel = found[f"{layer}kernel"]
            change = scale * (arrays[name] @ arrays[layer + _B])
            found[f"{layer}kernel"] = kernel + change.astype(kernel.dtype)
    return found


def _adapt(model: keras.Model, kept: Collection[int], training: TrainConfig) -> int:
    """Adds adapters to the dense layers of transformer blocks that were copied; counts them."""
    adapted = [
        layer
        for block in model._flatten_layers()
        if isinstance(block, TransformerBlock) and all(id(w) in kept for w in block.weights)
        for layer in block._flatten_layers()
        if isinstance(layer, keras.layers.Dense)
    ]
    if not adapted:
        raise InputError(
            "tune=lora adapts the dense layers of transformer blocks, and none was copied: use "
            "tune=full or frozen"
        )
    for layer in adapted:
        layer.enable_lora(_rank(training), _alpha(training))
    return len(adapted)


def _rank(training: TrainConfig) -> int:
    return training.lora_rank or LORA_RANK


def _alpha(training: TrainConfig) -> float:
    return training.lora_alpha or 2.0 * _rank(training)
