import json

import numpy as np
import pytest

from genokeras.evaluation import ensemble, predict
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.evaluate import evaluate
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

MOTIF = "TGACTCAC"
OPTIONS = {"reverse_complement": False, "num_bootstrap": 0}


@pytest.fixture
def texts(planted):
    """Sixty texts of 40 bp, every second one with the motif, and their labels, by split."""
    rng = np.random.default_rng(0)
    return {name: (*planted(rng, 60), None) for name in ("train", "valid", "test")}


@pytest.fixture
def two_runs(write_motif_run, texts, tmp_path):
    """Runs on the same data in which a motif counts once, and half as much."""
    return [write_motif_run(texts, tmp_path / f"run{s}", scale=s) for s in (1.0, 0.5)]


@pytest.fixture
def two_folds(write_motif_run, texts, tmp_path):
    """Two runs whose train and valid splits are exchanged; they share the test split."""
    other = {"train": texts["valid"], "valid": texts["train"], "test": texts["test"]}
    return [
        write_motif_run(texts, tmp_path / "fold0", scale=1.0),
        write_motif_run(other, tmp_path / "fold1", scale=0.5),
    ]


def paths(runs):
    return [run.workdir for run in runs]


def test_logits_are_the_mean_of_the_members(two_runs):
    """One motif: 4 - 2 and 4 / 2 - 2."""
    packed = sequence.encode(["A" * 32 + MOTIF, "A" * 40], 40)
    models = Ensemble.load(two_runs, "best", reverse_complement=False)
    np.testing.assert_allclose(models.member_logits(packed)[:, :, 0], [[2, -2], [0, -2]])
    np.testing.assert_allclose(models.logits(packed), [[1], [-2]])
    given, opposite = models.logits_by_strand(packed)
    np.testing.assert_allclose(given[:, 0], [1, -2])
    np.testing.assert_allclose(opposite[:, 0], [-2, -2])


def test_an_ensemble_of_one_is_that_run(two_runs):
    packed = sequence.encode(["A" * 32 + MOTIF, "ACGT" * 10], 40)
    alone = Ensemble.load(two_runs[:1], "best")
    np.testing.assert_array_equal(alone.logits(packed), alone.members[0].logits(packed))


def test_strands_count_as_averaged_if_every_member_averages_them(two_runs):
    averaging, given = (
        Ensemble.load(two_runs[:1], "best", reverse_complement=averages).members[0]
        for averages in (True, False)
    )
    assert Ensemble([averaging, averaging]).reverse_complement
    assert not Ensemble([averaging, given]).reverse_complement


def test_predictions_come_with_the_spread_over_members(two_runs, tmp_path):
    packed = sequence.encode(["A" * 32 + MOTIF, "A" * 40], 40)
    batches = ({"name": [str(row)], "sequence": packed[row : row + 1]} for row in range(2))
    number = predict.write_predictions(two_runs, batches, tmp_path / "out.tsv",
                                       reverse_complement=False)  # fmt: skip
    assert number == 2
    header, first, second = (tmp_path / "out.tsv").read_text().splitlines()
    assert header.split() == ["name", "label_probability", "label_logit", "label_logit_std"]
    # Logits 2 and 0, and -2 twice; the sample standard deviation of 2 and 0 is sqrt(2).
    expected = [0, 1 / (1 + np.exp(-1)), 1, np.sqrt(2)]
    assert list(map(float, first.split())) == pytest.approx(expected, abs=1e-6)
    assert list(map(float, second.split())) == pytest.approx([1, 1 / (1 + np.exp(2)), -2, 0])
    found = predict.predict(two_runs, ["A" * 32 + MOTIF], reverse_complement=False)
    assert found[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_an_ensemble_is_scored_beside_its_members(two_runs, tmp_path):
    result = evaluate(paths(two_runs), output=tmp_path / "out" / "both", **OPTIONS)
    assert json.loads((tmp_path / "out" / "both" / "test.json").read_text()) == result
    assert result["auroc"] == 1
    assert (result["step"], result["model"]) == ([7, 7], "motif_counter")
    assert [member["workdir"] for member in result["members"]] == list(map(str, paths(two_runs)))
    # Half of the examples hold the motif: logits 2 and -2, 0 and -2, on average 1 and -2.
    pairs = np.array([[2, 2], [0, 2], [1, 2]])
    losses = np.log1p(np.exp(-pairs)).mean(axis=1)
    found = [*(member["loss"] for member in result["members"]), result["loss"]]
    assert found == pytest.approx(losses.tolist(), abs=1e-6)
    header = (tmp_path / "out" / "both" / "test.predictions.tsv").read_text().splitlines()[0]
    assert header.split()[-1] == "label_logit_std"
    for run in two_runs:
        assert not (run.workdir / "evaluation").exists()


def test_folds_are_scored_on_the_test_split_they_share(two_folds, tmp_path):
    lines = []
    result = evaluate(paths(two_folds), output=tmp_path / "out", log=lines.append, **OPTIONS)
    assert result["auroc"] == 1
    assert lines == [
        "The threshold is chosen on the valid splits of all folds, each predicted by the members "
        "that were not trained on it."
    ]
    # Of the valid splits one is given logits 2 and -2, the other 0 and -2: 0 is still a positive.
    assert 1 / (1 + np.exp(2)) < result["threshold"] <= 0.5
    alone = [evaluate(run.workdir, **OPTIONS)["baseline"] for run in two_folds]
    ends = sorted(baseline["loss"] for baseline in alone)
    assert result["baseline"]["loss"] < ends[1], "the baselines of both folds, averaged"


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_split_that_a_member_was_trained_on_is_refused(two_folds, split, tmp_path):
    with pytest.raises(InputError) as caught:
        evaluate(paths(two_folds), split, output=tmp_path / "out", **OPTIONS)
    assert str(caught.value) == (
        f"{two_folds[1].workdir} was trained on a dataset whose {split} split is not that of "
        f"{two_folds[0].workdir}: records of one may be training examples of the other; score an "
        "ensemble on a split that all its datasets share, as folds do with test"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("changed", "is_same"), [("order", True), ("label", False)])
def test_the_same_records_in_another_order_are_the_same_split(
    write_motif_run, texts, tmp_path, changed, is_same
):
    sequences, labels, _ = texts["test"]
    other = sequences[::-1], labels[::-1].copy(), None
    if changed == "label":
        other[1][3] = 1 - other[1][3]
    runs = [
        write_motif_run(texts, tmp_path / "a"),
        write_motif_run({**texts, "test": other}, tmp_path / "b"),
    ]
    datasets = [run.dataset() for run in runs]
    assert datasets[0].manifest.sha256 != datasets[1].manifest.sha256
    if is_same:
        ensemble.check_same_records(runs, datasets, "test")
    else:
        with pytest.raises(InputError, match="whose test split is not that of"):
            ensemble.check_same_records(runs, datasets, "test")


def test_the_place_of_an_ensemble_must_be_given(two_runs, tmp_path):
    with pytest.raises(InputError, match="--output is missing: an ensemble of 2 runs has no folde"):
        evaluate(paths(two_runs), **OPTIONS)
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", "s3://bucket/out"):
        with pytest.raises(InputError, match="expected a folder of this machine, or a new one"):
            evaluate(paths(two_runs), output=output, **OPTIONS)


def test_runs_that_predict_something_else_do_not_mix(write_motif_run, texts, planted, tmp_path):
    first = write_motif_run(texts, tmp_path / "a")
    short = {name: (*planted(np.random.default_rng(0), 10, 30), None) for name in texts}
    others = {
        "length is 30, of {} it is 40": write_motif_run(short, tmp_path / "b"),
        "tasks is other, of {} it is label": write_motif_run(
            texts, tmp_path / "c", tasks=("other",)
        ),
        "stranded is True, of {} it is False": write_motif_run(
            texts, tmp_path / "d", strands="none"
        ),
    }
    for message, run in others.items():
        with pytest.raises(InputError) as caught:
            ensemble.open_runs([first.workdir, run.workdir])
        where = message.format(first.workdir)
        assert str(caught.value) == (f"{run.workdir}: {where}; an ensemble needs runs that agree")


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        ({"crop_bp": 4}, "crop_bp is 4, of {} it is 0"),
        ({"bin_bp": 8}, "bin_bp is 8, of {} it is 4"),
        # As many bins of other places: their means would be of two places each.
        ({"bin_bp": 2, "crop_bp": 10}, "bin_bp is 2, of {} it is 4"),
        ({"cut_sites": (0,)}, "cut_sites is 0, of {} it is none"),
    ],
)
def test_coverage_of_other_bins_does_not_mix(two_runs, bins, message):
    bin_bp = 1 if "cut_sites" in bins else 4
    for run, changed in zip(two_runs, ({}, bins), strict=True):
        path = run.workdir / "config.json"
        settings = json.loads(path.read_text())
        settings["spec"] |= {"task_type": "coverage", "bin_bp": bin_bp} | changed
        path.write_text(json.dumps(settings))
    with pytest.raises(InputError) as caught:
        ensemble.open_runs(paths(two_runs))
    where = message.format(two_runs[0].workdir)
    expected = f"{two_runs[1].workdir}: {where}; an ensemble needs runs that agree"
    assert str(caught.value) == expected


def test_a_text_with_commas_names_several_runs(two_runs):
    found = ensemble.open_runs(",".join(map(str, paths(two_runs))))
    assert found == [Run.open(path) for path in paths(two_runs)]
