"""Two motifs on the same face of the DNA helix: a task that only a position's own period solves."""

import keras
import numpy as np
import pytest

from genokeras.layers.positions import AddPositions
from genokeras.layers.self_attention import SelfAttention

LENGTH, SEEN = 160, 64
TURN = 10.5  # Base pairs of a turn of the helix.


def pairs(size, nearest, furthest, last, seed):
    """Returns windows with a motif (1) at two places before `last`, and whether they face alike."""
    rng = np.random.default_rng(seed)
    distance = rng.integers(nearest, furthest, size)
    first = (rng.random(size) * (last - distance)).astype(int)
    windows, rows = np.zeros((size, LENGTH), np.int32), np.arange(size)
    windows[rows, first] = windows[rows, first + distance] = 1
    return windows, np.cos(2 * np.pi * distance / TURN) > 0


def accuracy_far(learned_positions, periods):
    """Trains on motifs up to 60 bp apart; returns the accuracy on those 64 to 150 bp apart."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((LENGTH,), dtype="int32")
    x = keras.layers.Embedding(2, 32)(inputs)
    if learned_positions:
        x = AddPositions("learned")(x)
    attention = SelfAttention(2, use_rotary=not learned_positions, periods=periods)
    x = keras.layers.Dense(64, "gelu")(keras.layers.Add()([x, attention(x)]))
    x = keras.layers.Dense(1, "sigmoid")(keras.layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, x)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 600)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    model.fit(*pairs(20_000, 4, 60, SEEN, 0), batch_size=256, epochs=8, verbose=0)
    return model.evaluate(*pairs(4000, 64, 150, LENGTH, 1), verbose=0)[1]


@pytest.mark.slow
def test_a_period_of_the_helix_tells_faces_beyond_the_distances_of_training():
    assert accuracy_far(False, (TURN,)) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("learned_positions", [True, False], ids=["learned", "usual_periods"])
def test_other_positions_do_not(learned_positions):
    assert accuracy_far(learned_positions, ()) < 0.65
