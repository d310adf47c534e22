"""A run that predicts coverage is scored on a split; what only labels have is refused."""

import json

import numpy as np
import pytest

from genokeras.evaluation.coverage_scores import score_coverage
from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predict import predict, write_predictions
from genokeras.evaluation.score_table import score_table
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.reader import Dataset


@pytest.fixture(scope="module")
def run(coverage_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    data_dir = coverage_dataset(folder / "data")
    training = recipe("track", "tiny", steps=4, batch_size=16, jit="off")
    options = {"model": "track", "preset": "tiny", "overrides": ["strands=one"]}
    train(data_dir, folder / "run", **options, training=training)
    return Run.open(folder / "run")


def test_scores_are_those_of_all_windows(run):
    """By hand from all predictions at once, which average over both strands."""
    result = evaluate(run.workdir, "valid", batch_size=64)
    split = Dataset(run.data_dir).split("valid")
    stored = split.read(np.arange(split.num_examples))
    texts = sequence.decode(stored["sequence"], run.spec.length)
    predicted = predict(run, texts)
    true = stored["targets"] * np.float32(run.spec.target_scale)
    assert predicted.shape == true.shape == (200, 28, 2)
    for track, task in enumerate(("plus", "minus")):
        expected = np.corrcoef(true[..., track].ravel(), predicted[..., track].ravel())[0, 1]
        assert result["tasks"][task]["pearson_r"] == pytest.approx(expected, abs=1e-5)
    assert result["n"] == 200
    assert result["reverse_complement"] is True
    stored = json.loads((run.workdir / "evaluation" / "valid.json").read_text())
    assert stored["pearson_r"] == result["pearson_r"]
    assert [path.name for path in (run.workdir / "evaluation").iterdir()] == ["valid.json"]
    table = score_table(result)
    assert "reads, valid split: 200 examples, both strands, checkpoint best" in table
    assert "mean_profile_jsd" in table


def test_both_strands_give_one_prediction(run):
    texts = ["".join(row) for row in np.random.default_rng(0).choice(list("ACGT"), (3, 256))]
    opposite = [text.translate(str.maketrans("ACGT", "TGCA"))[::-1] for text in texts]
    given, turned = predict(run, texts), predict(run, opposite)
    np.testing.assert_allclose(turned[:, ::-1, ::-1], given, rtol=1e-4)
    one = predict(run, texts, reverse_complement=False)
    assert np.abs(one - given).max() > 1e-4


def test_what_is_of_one_number_per_window_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="predicts coverage, 28 numbers a window and task, and a"):
        write_predictions(run, [], tmp_path / "x.tsv")
    with pytest.raises(InputError, match="2 runs that predict coverage: means over them are not"):
        score_coverage([run, run], Dataset(run.data_dir), "valid", 4)
