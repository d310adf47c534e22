"""Compiles the training step of every model for a TPU that is not there, and prints what it needs.

TPU_SKIP_MDS_QUERY=1 JAX_PLATFORMS=cpu KERAS_BACKEND=jax python tpu_programs.py v5e:2x2 tiny
TPU_SKIP_MDS_QUERY=1 JAX_PLATFORMS=cpu KERAS_BACKEND=jax python tpu_programs.py v5e:4x4 500m mlm

One line of JSON per model: its compiled FLOPs, and the memory of one device, in MB.
"""

import json
import sys

import numpy as np

from genokeras.models import spec as specs
from genokeras.training import jax_ahead, optimizer, precision
from genokeras.training.learner import Learner
from genokeras.training.train import recipe
from genokeras.training.train_config import plan

MEGABYTE = 1 << 20
# Data that a model must fit, by the first of the task types that it names.
SPECS = {
    "binary": specs.Spec(200, ("bound",)),
    "coverage": specs.Spec(2048, ("reads",), "coverage", bin_bp=32, crop_bp=512),
    "unlabelled": specs.Spec(200, (), "unlabelled"),
}


def make_batch(spec: specs.Spec, size: int) -> dict[str, np.ndarray]:
    """Returns a batch as the reader gives it, all zeros."""
    targets = (spec.num_bins, spec.num_tasks) if spec.num_bins else (spec.num_tasks,)
    batch = {
        "sequence": np.zeros((size, spec.packed_width), np.uint8),
        "targets": np.zeros((size, *targets), np.float32),
        "weight": np.zeros((size, max(1, spec.num_tasks)), np.float32),
        "key": np.zeros(size, np.uint32),
    }
    return batch if spec.num_tasks else {k: v for k, v in batch.items() if k != "targets"}


def measure(name: str, preset: str, devices) -> dict[str, object]:
    """Compiles a model's step in bfloat16; returns what the program says of itself."""
    module, spec = specs.load(name), SPECS[specs.load(name).TASK_TYPES[0]]
    training = recipe(name, preset, steps=100, precision="mixed_bfloat16")
    with precision.scope(training.precision):
        model = module.build(specs.preset(name, preset), spec)
        built = optimizer.build(training, plan(training, 100 * training.batch_size), model)
        lowered = jax_ahead.lower_for(
            devices,
            Learner(module, specs.preset(name, preset), spec, model, built, training),
            make_batch(spec, training.batch_size),
        )
    program = lowered.compile()
    memory, text = program.memory_analysis(), program.as_text()
    return {
        "model": name,
        "preset": preset,
        "parameters": model.count_params(),
        "batch_size": training.batch_size,
        "devices": len(devices),
        "kind": devices[0].device_kind,
        "gigaflops_per_device": round(program.cost_analysis()["flops"] / 1e9, 3),
        "state_mb": round(memory.argument_size_in_bytes / MEGABYTE, 2),
        "temporary_mb": round(memory.temp_size_in_bytes / MEGABYTE, 2),
        "all_reduces": text.count(" all-reduce("),
        "computes_in_bfloat16": "bf16[" in text,
    }


def main(topology: str, preset: str, *models: str) -> None:
    """Prints the table of some models, by default of all."""
    devices = jax_ahead.tpu_devices(topology)
    for name in models or specs.available():
        print(json.dumps(measure(name, preset, devices)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
