"""What an engine is to train: a model, and all that says what it learns and how."""

import dataclasses
import types
from typing import Any

import keras

from genokeras.layers.batch_norm import learning_batch_norms
from genokeras.models.spec import Spec
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Learner:
    """A model that is to learn.

    Attributes:
        module: The model's module.
        config: Its configuration.
        spec: What the data demand of it.
        model: What the module has built.
        optimizer: Built on the model.
        training: How to train.

    Raises:
        InputError: A batch is to be cut into pieces that would not add up to the whole.
    """

    module: types.ModuleType
    config: Any
    spec: Spec
    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    training: TrainConfig

    def __post_init__(self):
        pieces = self.training.gradient_accumulation
        norms = learning_batch_norms(self.model)
        if pieces > 1 and norms:
            raise InputError(
                f"gradient_accumulation={pieces}: {norms[0].name} normalises over the batch, so "
                "pieces of it would give another result than the whole; use --set=norm=layer, or "
                "gradient_accumulation=1"
            )
