"""Evaluates an untrained model as one host of a run: `python host_scores.py OUT DATA_DIR RUNTIME`.

RUNTIME is JSON, the fields of `Runtime`. OUT has scores, outputs, labels, and the rows that this
host has read, as JSON. And it predicts alone, as the first host does when a run is over.
"""

import dataclasses
import json
import random
import sys
from typing import Any

import keras
import numpy as np

from genokeras.evaluation.predictor import Predictor
from genokeras.models import cnn_attention
from genokeras.models.spec import Spec
from genokeras.training import devices as all_devices
from genokeras.training import optimizer as optimizers
from genokeras.training import scoring
from genokeras.training.learner import Learner
from genokeras.training.runtime import Runtime
from genokeras.training.train_config import TrainConfig, plan
from tfrecords.reader import Dataset

BATCH_SIZE = 24  # Evaluated are 96 at a time, of 100 examples.
CONFIG = dataclasses.replace(cnn_attention.PRESETS["single_conv_only"], filters=8)


def main(path: str, data_dir: str, runtime: str) -> None:
    """Writes what this host finds."""
    devices = all_devices.connect(Runtime(**json.loads(runtime)))
    dataset = Dataset(data_dir)
    spec, split = Spec.from_manifest(dataset.manifest), dataset.split("valid")
    rows = watch(split)
    training, config = TrainConfig(batch_size=BATCH_SIZE), CONFIG
    with devices.scope():
        model = build(config, spec)
        optimizer = optimizers.build(training, plan(training, 300), model)
    engine = devices.engine(
        Learner(cnn_attention, config, spec, model, optimizer, training),
        devices.use_jit("auto", 1),
    )
    host = {"host": devices.host, "num_hosts": devices.num_hosts}
    found = scoring.evaluate(engine, cnn_attention, spec, split, BATCH_SIZE, **host)
    wanted = {"rows": rows.copy(), "scores": found.scores, "targets": found.targets.tolist()}
    wanted |= {"logits": found.outputs["logits"].tolist()}
    packed = split.read(np.arange(split.num_examples))["sequence"]
    alone = all_devices.here()
    with alone.scope():
        model = build(config, spec)
    predictor = Predictor(model, spec, devices=alone, reverse_complement=False)
    wanted["predicted"] = predictor.logits(packed).tolist()
    with open(path, "w") as file:
        json.dump(wanted, file)
    devices.exchange(0)  # The others may still ask.


def build(config: Any, spec: Spec) -> keras.Model:
    """Returns the model, always with the same weights."""
    random.seed(0)  # Where Keras takes the seeds of weights from.
    return cnn_attention.build(config, spec)


def watch(split: Any) -> list[int]:
    """Returns a list to which all rows are added that are read in order."""
    rows: list[int] = []
    read_ahead = split._records.read_ahead

    def watched(wanted: Any) -> Any:
        wanted = list(wanted)
        rows.extend(int(row) for part in wanted for row in part)
        return read_ahead(iter(wanted))

    split._records.read_ahead = watched
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
