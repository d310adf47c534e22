"""A run that predicts coverage is scored on a split; what only labels have is refused."""

import dataclasses
import json

import numpy as np
import pytest

from genokeras.evaluation.coverage_scores import score_coverage
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predict import predict, write_predictions
from genokeras.evaluation.score_table import score_table
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.origin import PLACE
from tfrecords.reader import Dataset
from tfrecords.schema import Feature, Schema
from tfrecords.writer import ShardWriter, shard_file


@pytest.fixture(scope="module")
def run(coverage_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    data_dir = coverage_dataset(folder / "data")
    training = recipe("track", "tiny", steps=4, batch_size=16, jit="off")
    options = {"model": "track", "preset": "tiny", "overrides": ["rc=augment"]}
    train(data_dir, folder / "run", **options, training=training)
    return Run.open(folder / "run")


@pytest.fixture(scope="module")
def models(run):
    return Ensemble.load([run], batch_size=64)


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
    files = {path.name for path in (run.workdir / "evaluation").iterdir()}
    expected = {"valid.json", "valid.resamples.npz", "valid.windows.png", "learning_curves.png"}
    assert files == expected
    table = score_table(result)
    assert "reads, valid split: 200 examples, both strands, checkpoint best" in table
    assert "mean_profile_jsd" in table


def test_intervals_hold_the_scores_and_come_again(run, models):
    options = models, Dataset(run.data_dir), "valid"
    first, again, none = (
        score_coverage(*options, num_bootstrap=number).result for number in (50, 50, 0)
    )
    assert first == again
    for scores in (first, *first["tasks"].values()):
        for name in (
            *("pearson_r", "spearman_r", "r2", "log_total_r"),
            *("profile_jsd", "mean_profile_jsd"),
        ):
            low, high = scores[f"{name}_ci"]
            assert low < scores[name] < high, name
    assert not any(name.endswith("_ci") for name in none)
    for name in ("tasks", "verdict"):
        del none[name]
    assert {name: first[name] for name in none} == none


def rewrite(dataset, data_dir, columns, **described):
    """Writes a dataset of these columns as the valid split of a copy of another's manifest."""
    old, data_dir = dataset.manifest, data_dir / "data"
    data_dir.mkdir()
    more = (Feature(name, str(columns[name].dtype), ()) for name in columns if name in PLACE)
    schema = Schema((*old.schema.features, *more))
    with ShardWriter(data_dir / shard_file("reads", "valid", 0, 1), schema) as writer:
        writer.write(columns)
    splits = {"valid": (writer.shard,)}
    dataclasses.replace(old, schema=schema, splits=splits, **described).save(data_dir)
    return Dataset(data_dir)


def test_of_two_stored_strands_one_counts(run, models, tmp_path):
    dataset = Dataset(run.data_dir)
    given = dataset.split("valid").read(np.arange(200))
    turned = {
        "row": given["row"],
        "sequence": sequence.reverse_complement(given["sequence"], run.spec.length),
        "targets": given["targets"][:, ::-1, ::-1],
    }
    both = {name: np.concatenate([given[name], turned[name]]) for name in turned}
    stored = rewrite(dataset, tmp_path, both, reverse_complement="store")
    expected, found = (
        score_coverage(models, x, "valid", num_bootstrap=20).result for x in (dataset, stored)
    )
    assert found == expected
    assert found["n"] == 200


def test_windows_three_times_in_one_place_are_no_more_evidence(run, models, tmp_path):
    """The mean profile aside, which is that of the windows before."""
    dataset = Dataset(run.data_dir)
    given = dataset.split("valid").read(np.arange(200))
    given["chrom_id"] = np.arange(200, dtype=np.int32) % 2
    given["start"] = np.arange(200) // 2 * 1024  # 4 windows: each in a block of its own.
    given["strand"] = np.zeros(200, np.int8)
    thrice = {name: np.concatenate([values] * 3) for name, values in given.items()}
    # Near by is as much of a block.
    near = thrice | {"start": thrice["start"] + np.repeat([0, 300, 1023], 200)}
    nowhere = {name: values for name, values in thrice.items() if name not in PLACE}
    found = []
    for number, columns in enumerate((given, thrice, near, nowhere)):
        (tmp_path / str(number)).mkdir()
        places = {"chroms": (Chrom("I", 200_000), Chrom("II", 200_000))} if number < 3 else {}
        stored = rewrite(dataset, tmp_path / str(number), columns, **places)
        found.append(score_coverage(models, stored, "valid", num_bootstrap=1000).result)
    once, *repeated, wrong = found
    for name in ("pearson_r", "spearman_r", "r2", "log_total_r", "profile_jsd"):
        low, high = once[f"{name}_ci"]
        for other in repeated:
            assert other[f"{name}_ci"] == pytest.approx([low, high], rel=1e-6), name
        ends = wrong[f"{name}_ci"]
        assert ends[1] - ends[0] < 0.75 * (high - low), name


def test_one_block_has_no_interval(run, models, tmp_path):
    dataset = Dataset(run.data_dir)
    given = dataset.split("valid").read(np.arange(20))
    given["chrom_id"], given["strand"] = np.zeros(20, np.int32), np.zeros(20, np.int8)
    given["start"] = np.arange(20) * 51
    stored = rewrite(dataset, tmp_path, given, chroms=(Chrom("I", 2000),))
    found = score_coverage(models, stored, "valid", num_bootstrap=20)
    assert not any(name.endswith("_ci") for name in found.result)
    assert found.windows[0].place.startswith("I:")


def test_windows_to_look_at_are_the_best_the_median_and_the_worst(run, models):
    """By hand: correlations within all windows, the mean of both tracks."""
    found = score_coverage(models, Dataset(run.data_dir), "valid", num_bootstrap=0).windows
    split = Dataset(run.data_dir).split("valid")
    stored = split.read(np.arange(split.num_examples))
    predicted = predict(run, sequence.decode(stored["sequence"], run.spec.length))
    true = stored["targets"] * np.float64(run.spec.target_scale)
    within = np.full((200, 2), np.nan)
    for row, track in np.ndindex(200, 2):
        x, y = true[row, :, track], predicted[row, :, track]
        within[row, track] = np.corrcoef(x, y)[0, 1] if x.std() else np.nan
    means = np.nanmean(within[~np.isnan(within).all(axis=1)], axis=1)
    assert [window.kind for window in found] == ["best", "median", "worst"]
    expected = [means.max(), np.sort(means)[len(means) // 2], means.min()]
    np.testing.assert_allclose([window.pearson_r for window in found], expected, atol=1e-5)
    row = int(found[0].place.removeprefix("row ")) - stored["row"][0]
    np.testing.assert_array_equal(found[0].true, true[row])
    assert found[0].title.startswith(f"Best window, {found[0].place}: Pearson r 0.")


def test_an_ensemble_predicts_the_mean_coverage(run, tmp_path):
    """By hand: the mean, in the unit of the data, of what both runs predict alone."""
    training = recipe("track", "tiny", steps=2, batch_size=16, jit="off", seed=1)
    options = {"model": "track", "preset": "tiny", "overrides": ["rc=augment"]}
    train(run.data_dir, tmp_path / "other", **options, training=training)
    other = Run.open(tmp_path / "other")
    workdirs = [run.workdir, other.workdir]
    result = evaluate(workdirs, "valid", output=tmp_path / "both", num_bootstrap=20, batch_size=64)
    stored = Dataset(run.data_dir).split("valid").read(np.arange(200))
    texts = sequence.decode(stored["sequence"], run.spec.length)
    true = stored["targets"] * np.float32(run.spec.target_scale)
    predicted = [predict(member, texts) for member in (run, other)]
    both = [*predicted, np.mean(predicted, axis=0)]
    expected = [
        np.mean([np.corrcoef(true[..., t].ravel(), x[..., t].ravel())[0, 1] for t in range(2)])
        for x in both
    ]
    first, second = result["members"]
    found = [scores["pearson_r"] for scores in (first, second, result)]
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(set(found)) == 3
    assert first["workdir"] == str(run.workdir)
    low, high = second["spearman_r_ci"]
    assert low < second["spearman_r"] < high
    assert {"tasks", "n"} & first.keys() == set()
    files = {path.name for path in (tmp_path / "both").iterdir()}
    assert files == {"valid.json", "valid.resamples.npz", "valid.windows.png", "report.html"}
    page = (tmp_path / "both" / "report.html").read_text()
    for text in ("ensemble of 2 runs of track", "Mean of the coverage of", "Members of the ense"):
        assert text in page, text
    assert "Mean of the logits" not in page
    assert "ensemble of 2" in score_table(result)


def test_the_report_of_coverage_has_what_makes_sense(run):
    evaluate(run.workdir, "valid", num_bootstrap=20, batch_size=64)
    page = (run.workdir / "report.html").read_text()
    for text in ("Profile JSD (bits)", "Best window, r 0.", "Predicted shapes are "):
        assert text in page, text
    for text in ("6-mer", "Sanity probes", "predictions.tsv", "nobaseline"):
        assert text not in page, text


def test_probes_of_coverage_are_refused(run):
    with pytest.raises(InputError, match="--probe asks about one number per window; this model"):
        evaluate(run.workdir, "valid", probe=["CTCF:CCACNAGGTGGCAG"])


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
