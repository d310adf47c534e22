"""Labels of the given strand alone: what a run does with them, from the manifest to the scores."""

import numpy as np
import pytest

from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predict import predict
from genokeras.training.train import recipe, train
from tfrecords import sequence

MOTIF = "TGACTCAC"
OPPOSITE = "GTGAGTCA"


def stranded_split(rng, number, length=24):
    """Every example holds the motif: on the given strand it is a 1, on the opposite one a 0."""
    rows = rng.choice(list("ACGT"), (number, length))
    labels = np.arange(number) % 2
    for row, label in zip(rows, labels, strict=True):
        at = rng.integers(length - len(MOTIF) + 1)
        row[at : at + len(MOTIF)] = list(MOTIF if label else OPPOSITE)
    return ["".join(row) for row in rows], labels, None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strands", "lowest", "highest"), [("none", 0.95, 1), ("online", 0.3, 0.7)]
)
def test_which_strand_a_motif_is_on_can_be_learnt_from_stranded_data_only(
    strands, lowest, highest, write_dataset, tmp_path, monkeypatch
):
    """Read on both strands, an example of either label is the same."""
    monkeypatch.setattr("genokeras.plots.figure.is_available", lambda: False)
    rng = np.random.default_rng(0)
    sizes = {"train": 512, "valid": 64, "test": 200}
    splits = {name: stranded_split(rng, size) for name, size in sizes.items()}
    data_dir = write_dataset(tmp_path / "data", splits, strands=strands)
    training = recipe("cnn_attention", "tiny", steps=48, learning_rate=0.02, jit="off")
    train(data_dir, tmp_path / "run", preset="tiny", overrides=["kmer=6"], training=training)
    result = evaluate(tmp_path / "run", num_bootstrap=0)
    assert lowest <= result["auroc"] <= highest
    assert lowest <= result["baseline"]["auroc"] <= highest
    assert result["reverse_complement"] == (strands == "online")


def test_strands_are_averaged_on_stranded_data_if_one_says_so(write_motif_run):
    splits = {"test": stranded_split(np.random.default_rng(0), 20)}
    run = write_motif_run(splits, strands="none")
    texts = splits["test"][0]
    logits = np.log(predict(run, texts) / (1 - predict(run, texts)))
    np.testing.assert_allclose(logits[:2, 0], [-2, 2], atol=1e-6)
    np.testing.assert_allclose(predict(run, texts, reverse_complement=True), 0.5, atol=1e-6)
    options = {"num_bootstrap": 0, "baseline": False}
    assert evaluate(run.workdir, **options)["auroc"] == 1
    both = evaluate(run.workdir, reverse_complement=True, **options)
    assert (both["auroc"], both["reverse_complement"]) == (0.5, True)


def test_the_opposite_of_the_motif_is_what_is_planted():
    packed = sequence.reverse_complement(sequence.encode([MOTIF], 8), 8)
    assert sequence.decode(packed, 8) == [OPPOSITE]
