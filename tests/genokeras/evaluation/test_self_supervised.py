"""A model without tasks is scored by what it was asked in training."""

import json
import shutil

import numpy as np
import pytest

from genokeras.evaluation import resamples
from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predict import predict
from genokeras.evaluation.score_table import score_table
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file

LENGTH = 32
SIZES = {"train": 64, "valid": 40, "test": 24}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a few steps on windows of random DNA, half of it in repeats."""
    folder, rng = tmp_path_factory.mktemp("windows"), np.random.default_rng(0)
    schema = Schema(
        (
            Feature("sequence", "uint8", (LENGTH // 2,), bases=LENGTH),
            Feature("repeat", "uint8", (LENGTH // 8,)),
        )
    )
    splits = {}
    for split, size in SIZES.items():
        texts = ["".join(row) for row in rng.choice(list("ACGT"), (size, LENGTH))]
        with ShardWriter(folder / shard_file("dna", split, 0, 1), schema) as writer:
            repeat = np.repeat(np.array([[255, 255, 0, 0]], np.uint8), size, axis=0)
            writer.write({"sequence": sequence.encode(texts, LENGTH), "repeat": repeat})
        splits[split] = (writer.shard,)
    Manifest("dna", schema, splits, (), task_type="unlabelled").save(folder)
    workdir = tmp_path_factory.mktemp("run") / "run"
    training = recipe("mlm", "tiny", steps=4, eval_every=4, batch_size=16)
    overrides = ("repeat_weight=0.5",)
    kinds = {"model": "mlm", "preset": "tiny", "overrides": overrides, "training": training}
    return workdir, train(folder, workdir, **kinds).scores


def test_scores_are_those_of_training_with_intervals(run):
    workdir, in_training = run
    result = evaluate(workdir, "valid", num_bootstrap=50)
    written = json.loads((workdir / "evaluation" / "valid.json").read_text())
    assert written == result
    for name in ("loss", "cross_entropy", "perplexity", "accuracy", "accuracy_in_repeats"):
        assert result[name] == pytest.approx(in_training[name], rel=1e-5)
    low, high = result["cross_entropy_ci"]
    assert low < result["cross_entropy"] < high
    kept = resamples.read(workdir / "evaluation", "valid")["cross_entropy"]
    assert np.quantile(kept, [0.025, 0.975]) == pytest.approx([low, high])
    assert (result["n"], result["model"], result["split"]) == (40, "mlm", "valid")
    # Repeats count half in the loss.
    inside, outside = result["num_bases_in_repeats"], result["num_bases"]
    outside -= inside
    total = 0.5 * inside * result["cross_entropy_in_repeats"]
    total += outside * result["cross_entropy_outside_repeats"]
    assert result["loss"] == pytest.approx(total / (0.5 * inside + outside), rel=1e-5)
    assert not (workdir / "report.html").exists()


def test_the_baseline_is_asked_the_same(run):
    """Random DNA: contexts know no more than ln 4, and no more of repeats than of the rest."""
    result = evaluate(run[0], "test", num_bootstrap=50)
    baseline, difference = result["baseline"], result["difference"]
    for name in ("n", "num_bases", "num_bases_in_repeats"):
        assert baseline[name] == result[name]
    assert baseline["cross_entropy"] == pytest.approx(np.log(4), abs=0.05)
    assert baseline["context_bp"] in range(1, 6)
    gain = result["cross_entropy"] - baseline["cross_entropy"]
    assert difference["cross_entropy"] == pytest.approx(gain, abs=1e-12)
    low, high = difference["cross_entropy_ci"]
    assert low < gain < high
    assert f"{baseline['context_bp']} bases on either side" in score_table(result)
    assert evaluate(run[0], "test", num_bootstrap=0, baseline=False)["baseline"] is None


def test_what_is_of_tasks_is_refused(run, tmp_path):
    workdir, _ = run
    copy = shutil.copytree(workdir, tmp_path / "copy")
    with pytest.raises(InputError, match="--probe asks about the prediction of a task, and this"):
        evaluate(workdir, probe=["box:TATA"])
    with pytest.raises(InputError, match="2 runs of models without tasks have no mean prediction"):
        evaluate([workdir, copy], output=workdir / "both")
    with pytest.raises(InputError, match="the model mlm learned without labels and has no task to"):
        predict(Run.open(workdir), ["ACGT" * 8])
