"""Data with bases beside their windows: training shifts over them, everything else ignores them."""

import numpy as np
import pytest

from genokeras.evaluation.predictor import Predictor
from genokeras.losses.supervised import binary_cross_entropy
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

SHIFT_BP, WINDOW_BP = 6, 40
STORED = WINDOW_BP + 2 * SHIFT_BP


@pytest.fixture(scope="module")
def flanked(planted, write_dataset, tmp_path_factory):
    """Windows with a planted motif or without, between random bases."""
    texts, targets = planted(160)
    rng = np.random.default_rng(7)
    flanks = ["".join(row) for row in rng.choice(list("ACGT"), (320, SHIFT_BP))]
    stored = [flanks[2 * i] + text + flanks[2 * i + 1] for i, text in enumerate(texts)]
    folder = tmp_path_factory.mktemp("flanked") / "data"
    return write_dataset(
        folder, stored, targets, splits={"train": 96, "valid": 64}, shift_bp=SHIFT_BP
    )


def run_of(data_dir, workdir, *overrides):
    training = recipe(preset="tiny", steps=6, batch_size=32, eval_every=3, jit="off")
    result = train(data_dir, workdir, preset="tiny", overrides=overrides, training=training)
    return result, Run.open(workdir)


@pytest.mark.slow
def test_evaluation_during_training_is_that_of_the_middle(flanked, tmp_path):
    """The device's crop against the host's; windows one base beside give another loss."""
    result, run = run_of(flanked, tmp_path / "run")
    assert (run.spec.length, run.spec.shift_bp) == (WINDOW_BP, SHIFT_BP)
    valid = run.dataset().split("valid").read(np.arange(64))
    predictor = Predictor.load(run, result.best_step)

    def loss(start):
        windows = sequence.crop(valid["sequence"], STORED, start, WINDOW_BP)
        logits = predictor.logits(windows)
        return float(np.mean(binary_cross_entropy(valid["targets"], logits)))

    assert loss(SHIFT_BP) == pytest.approx(result.scores["loss"], rel=1e-5)
    assert loss(SHIFT_BP + 1) != pytest.approx(result.scores["loss"], rel=1e-4)


def test_training_is_shifted_unless_it_is_not_to_be(flanked, tmp_path):
    still, shifted = (
        run_of(flanked, tmp_path / str(shift), f"max_shift_bp={shift}")[0].loss
        for shift in (0, "none")
    )
    assert still != shifted


def test_a_shift_beyond_what_is_stored_is_refused_before_the_first_byte(flanked, tmp_path):
    with pytest.raises(InputError, match="max_shift_bp=7, but the dataset stores 6 bp beside its"):
        run_of(flanked, tmp_path / "run", "max_shift_bp=7")
    assert not (tmp_path / "run").exists()
