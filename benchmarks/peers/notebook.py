"""From a table to a score as in a notebook: pandas, a loop over bases, `from_tensor_slices`, `fit`.

python benchmarks/peers/notebook.py examples/data/gue_tf0 --steps=1000

Trains the network of preset `conv_v2` (Adam, batches of 32) in Keras's own layers and prints one
JSON line: the AUROC of the test table, and the parameters of the network.
"""

import argparse
import json
import pathlib
import sys

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from sklearn.metrics import roc_auc_score

BATCH_SIZE = 32
INDEX = {"A": 0, "C": 1, "G": 2, "T": 3}


def main() -> None:
    """Trains and scores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path, help="train.csv.gz, dev.csv.gz, test.csv.gz")
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    splits = {}
    for name in ("train", "dev", "test"):
        table = pd.read_csv(options.folder / f"{name}.csv.gz")
        x = np.array([one_hot(sequence) for sequence in table["sequence"]])
        splits[name] = x, table["label"].to_numpy().astype(np.float32)[:, None]
    train = tf.data.Dataset.from_tensor_slices(splits["train"])
    train = train.shuffle(len(splits["train"][0])).repeat().batch(BATCH_SIZE)
    dev = tf.data.Dataset.from_tensor_slices(splits["dev"]).batch(BATCH_SIZE)
    model = build(splits["train"][0].shape[1])
    # Ten evaluations, as `launch.train` makes.
    rounds = min(10, options.steps)
    model.fit(
        train,
        epochs=rounds,
        steps_per_epoch=options.steps // rounds,
        validation_data=dev,
        verbose=0,
    )
    x, labels = splits["test"]
    auroc = roc_auc_score(labels, model.predict(x, verbose=0))
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    sys.stdout.write(json.dumps({"auroc": float(auroc), "parameters": parameters}) + "\n")


def one_hot(sequence: str) -> np.ndarray:
    """Returns float32 `[L, 4]`."""
    encoded = np.zeros((len(sequence), 4), np.float32)
    for position, base in enumerate(sequence):
        if base in INDEX:
            encoded[position, INDEX[base]] = 1
    return encoded


def build(length: int) -> keras.Model:
    """Returns the network, compiled."""
    model = keras.Sequential(
        [
            keras.Input((length, 4)),
            layers.Conv1D(64, 10, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("gelu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(64, 10, padding="same"),
            layers.Activation("gelu"),
            layers.BatchNormalization(),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(128, "gelu"),
            layers.Dropout(0.2),
            layers.Dense(64, "gelu"),
            layers.Dropout(0.2),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auroc")])
    return model


if __name__ == "__main__":
    main()
