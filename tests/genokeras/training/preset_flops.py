"""FLOPs of a step of real models, on the backend of Keras: `python preset_flops.py base`.

Prints, by model and preset, the count of the engine and, on JAX, that of XLA's cost analysis, which
adds what is elementwise and leaves out what a convolution multiplies with its padding.
"""

import json
import sys

import keras
import numpy as np

from genokeras.models import spec as specs
from genokeras.training import devices, optimizer
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import Plan, TrainConfig

PLAN = Plan(
    steps=100, steps_per_epoch=10, warmup_steps=0, log_every=1, eval_every=1, checkpoint_every=1
)
BATCH, LENGTH = 8, 100


def count(name: str, preset: str) -> dict[str, float]:
    """Returns the FLOPs of a step of 8 examples of 100 bp."""
    module, config = specs.load(name), specs.preset(name, preset)
    spec, training = specs.Spec(length=LENGTH, tasks=("bound",)), TrainConfig(batch_size=BATCH)
    model = module.build(config, spec)
    built = optimizer.build(training, PLAN, model)
    engine = devices.connect(Runtime(strategy="single")).engine(
        Learner(module, config, spec, model, built, training), keras.backend.backend() == "jax"
    )
    placed = engine.place(
        [
            {
                "sequence": np.full((BATCH, spec.packed_width), 0x84, np.uint8),
                "targets": np.zeros((BATCH, 1), np.float32),
                "weight": np.ones((BATCH, 1), np.float32),
                "key": np.arange(BATCH, dtype=np.uint32),
            }
        ]
    )
    found = {"engine": engine.flops_per_step(placed)}
    if keras.backend.backend() == "jax":
        lowered = engine._train.lower(engine._state, placed)
        found["xla"] = lowered.cost_analysis()["flops"]
    return found


if __name__ == "__main__":
    for preset in sys.argv[1:]:
        print(json.dumps({preset: count("cnn_attention", preset)}))
