import json

import numpy as np
import pytest
from sklearn import metrics

from genokeras.evaluation.evaluate import evaluate
from tfrecords import sequence
from tfrecords.errors import InputError


def read_table(path):
    """A table of predictions as columns: floats, NaN where a cell is empty."""
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    columns = zip(*rows, strict=True)
    return {
        name: np.array([float(cell or "nan") for cell in column])
        for name, column in zip(header, columns, strict=True)
    }


def flat(value, place=""):
    """The leaves of nested lists and dictionaries, by where they stand."""
    if not isinstance(value, dict | list):
        return {place: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for name, x in items for k, v in flat(x, f"{place}/{name}").items()}


@pytest.fixture(autouse=True)
def without_pictures(request, monkeypatch):
    """Pictures take longer than all the rest; a test that wants them asks for `with_pictures`."""
    if "with_pictures" not in request.fixturenames:
        for name in ("draw_pictures", "draw_learning_curves"):
            monkeypatch.setattr(
                f"genokeras.evaluation.evaluation_files.{name}", lambda *_, **__: None
            )


@pytest.fixture
def with_pictures():
    """Lets `evaluate` draw."""


@pytest.fixture
def noisy_splits(planted):
    """Every second example has the motif on the forward strand; 15% of labels are turned over."""

    def make(seed=0, number=150):
        rng = np.random.default_rng(seed)
        splits = {}
        for name in ("train", "valid", "test"):
            texts, labels = planted(rng, number)
            splits[name] = texts, np.where(rng.random(number) < 0.15, 1 - labels, labels), None
        return splits

    return make


def test_a_motif_counter_finds_planted_motifs_without_a_mistake(motif_run):
    lines = []
    result = evaluate(
        motif_run.workdir, reverse_complement=False, num_bootstrap=20, log=lines.append
    )
    assert result["auroc"] == result["auprc"] == result["mcc"] == result["f1"] == 1
    assert result["auroc_ci"] == [1, 1]
    assert result["accuracy_at_threshold"] == 1
    # Logits are 2 and -2, so each costs log(1 + exp(-2)).
    assert result["loss"] == pytest.approx(np.log1p(np.exp(-2)), abs=1e-6)
    assert result["threshold"] == pytest.approx(0.5, abs=1e-6)
    assert (result["n"], result["step"], result["split"]) == (60, 7, "test")
    assert result["manifest_sha256"] == motif_run.manifest_sha256
    assert lines == []


@pytest.mark.parametrize("baseline", [True, False])
def test_progress_bars_come_to_their_ends(motif_run, baseline):
    """Details are of model, baseline and groups, one of each for every task."""
    bars = {}

    class Bar:
        def __init__(self, text, total):
            self.total, self.done, self.is_closed = total, 0, False
            bars.setdefault(text, []).append(self)

        def update(self, advance):
            self.done += advance

        def close(self):
            self.is_closed = True

    evaluate(motif_run.workdir, num_bootstrap=20, baseline=baseline, progress=Bar)
    assert [bar.total for bar in bars["Details"]] == [3 if baseline else 2]
    assert all(bar.done == bar.total and bar.is_closed for found in bars.values() for bar in found)


def test_strands_are_averaged_by_default(motif_run):
    """The motif is on the forward strand alone: 2 there, -2 on the other, 0 on average."""
    evaluate(motif_run.workdir, num_bootstrap=0, baseline=False)
    table = read_table(motif_run.workdir / "evaluation" / "test.predictions.tsv")
    np.testing.assert_allclose(table["label_logit"][1::2], 0, atol=1e-6)
    np.testing.assert_allclose(table["label_logit"][::2], -2, atol=1e-6)


def test_result_is_what_the_file_holds_and_scikit_learn_says(write_motif_run, noisy_splits):
    run = write_motif_run(noisy_splits())
    result = evaluate(run.workdir, reverse_complement=False, num_bootstrap=50, batch_size=64)
    folder = run.workdir / "evaluation"
    assert json.loads((folder / "test.json").read_text()) == result
    table = read_table(folder / "test.predictions.tsv")
    targets, logits = table["label_target"], table["label_logit"]
    called = table["label_probability"] >= 0.5
    at_threshold = table["label_probability"] >= result["threshold"]
    expected = {
        "auroc": metrics.roc_auc_score(targets, logits),
        "auprc": metrics.average_precision_score(targets, logits),
        "mcc": metrics.matthews_corrcoef(targets, called),
        "accuracy": metrics.accuracy_score(targets, called),
        "f1": metrics.f1_score(targets, called),
        "loss": metrics.log_loss(targets, table["label_probability"]),
        "mcc_at_threshold": metrics.matthews_corrcoef(targets, at_threshold),
        "f1_at_threshold": metrics.f1_score(targets, at_threshold),
    }
    assert {name: result[name] for name in expected} == pytest.approx(expected, abs=1e-7)
    for name in expected:
        low, high = result[f"{name}_ci"]
        assert low <= result[name] <= high


@pytest.mark.parametrize("batch_size", [1, 7, 150, 400])
def test_scores_do_not_depend_on_the_batch_size(write_motif_run, noisy_splits, batch_size):
    """The last batch is padded, and padding is never counted."""
    run = write_motif_run(noisy_splits())
    options = {"num_bootstrap": 0, "baseline": False}
    expected = evaluate(run.workdir, batch_size=64, **options)
    result = evaluate(run.workdir, batch_size=batch_size, **options)
    assert result["n"] == 150
    assert flat(result) == pytest.approx(flat(expected), abs=1e-6)


def test_labels_of_the_test_split_cannot_move_the_threshold(
    tmp_path, write_motif_run, noisy_splits
):
    found = []
    for name in ("as_they_are", "turned_over"):
        splits = noisy_splits()
        if name == "turned_over":
            texts, labels, _ = splits["test"]
            splits["test"] = texts, 1 - labels, None
        (tmp_path / name).mkdir()
        run = write_motif_run(splits, folder=tmp_path / name)
        found.append(evaluate(run.workdir, num_bootstrap=0))
    assert found[0]["threshold"] == found[1]["threshold"]
    assert found[0]["baseline"]["threshold"] == found[1]["baseline"]["threshold"]
    assert found[0]["f1_at_threshold"] > found[1]["f1_at_threshold"]


def test_predictions_are_in_the_order_of_the_input(write_motif_run, planted):
    """Records are stored in another order than the table they came from."""
    texts, labels = planted(np.random.default_rng(0), 40)
    rows = np.random.default_rng(1).permutation(40)
    stored = [texts[row] for row in rows], labels[rows], None
    run = write_motif_run({"train": stored, "test": stored}, rows=rows)
    evaluate(run.workdir, num_bootstrap=0, reverse_complement=False)
    table = read_table(run.workdir / "evaluation" / "test.predictions.tsv")
    np.testing.assert_array_equal(table["row"], range(40))
    np.testing.assert_array_equal(table["label_target"], labels)
    np.testing.assert_allclose(table["label_logit"], 4 * labels - 2, atol=1e-6)


def test_examples_stored_on_both_strands_count_once(write_motif_run, planted, tmp_path):
    """As in a dataset of one strand: the same scores, intervals and table, baseline included."""
    texts, labels = planted(np.random.default_rng(0), 40)
    packed = sequence.reverse_complement(sequence.encode(texts, 40), 40)
    order = np.random.default_rng(1).permutation(80)
    both = [(texts + sequence.decode(packed, 40))[place] for place in order]
    split = both, np.tile(labels, 2)[order], None
    found = []
    for strands in ("store", "online"):
        (tmp_path / strands).mkdir()
        once = np.sort(np.unique(order % 40, return_index=True)[1])
        if strands == "online":
            split = [both[place] for place in once], split[1][once], None
        rows = order % 40 if strands == "store" else order[once] % 40
        run = write_motif_run({"train": split}, tmp_path / strands, rows=rows, strands=strands)
        result = evaluate(run.workdir, "train", num_bootstrap=20, baseline=False)
        table = (run.workdir / "evaluation" / "train.predictions.tsv").read_text()
        assert len(table.splitlines()) == 41
        found.append((result | {"manifest_sha256": None}, table))
    assert found[0] == found[1]
    assert found[0][0]["n"] == 40
    evaluate(tmp_path / "store" / "run", "train", num_bootstrap=20)


def test_several_tasks_with_missing_labels(write_motif_run, planted):
    rng = np.random.default_rng(0)
    splits = {}
    for name in ("train", "valid", "test"):
        texts, plus = planted(rng, 90)
        packed = sequence.reverse_complement(sequence.encode(texts[60:], 40), 40)
        texts[60:] = sequence.decode(packed, 40)
        targets = np.zeros((90, 2))
        targets[:60, 0], targets[60:, 1] = plus[:60], plus[60:]
        weight = np.ones((90, 2))
        # Wrong labels, but without weight.
        targets[:10, 0], weight[:10, 0] = 1 - targets[:10, 0], 0
        splits[name] = texts, targets, weight
    run = write_motif_run(splits, tasks=("plus", "minus"))
    result = evaluate(run.workdir, num_bootstrap=10, reverse_complement=False)
    assert result["tasks"]["plus"]["auroc"] == result["tasks"]["minus"]["auroc"] == 1
    assert (result["tasks"]["plus"]["n"], result["tasks"]["minus"]["n"]) == (80, 90)
    assert result["auroc"] == 1
    assert "threshold" not in result
    assert result["tasks"]["minus"]["threshold"] == pytest.approx(0.5, abs=1e-6)
    table = read_table(run.workdir / "evaluation" / "test.predictions.tsv")
    assert np.isnan(table["plus_target"][:10]).all()
    assert not np.isnan(table["minus_target"]).any()


def test_baseline_is_scored_on_the_same_examples(write_motif_run, noisy_splits):
    """Every second example has the motif, which a 6-mer model can learn, however noisy."""
    result = evaluate(write_motif_run(noisy_splits()).workdir, num_bootstrap=100)
    assert result["baseline"]["n"] == result["n"]
    assert result["baseline"]["auroc"] > 0.7
    assert result["difference"]["auroc"] == result["auroc"] - result["baseline"]["auroc"]
    low, high = result["difference"]["auroc_ci"]
    assert low <= result["difference"]["auroc"] <= high


def test_what_lies_behind_the_scores_is_there_for_model_and_baseline(write_motif_run, noisy_splits):
    run = write_motif_run(noisy_splits())
    result = evaluate(run.workdir, num_bootstrap=20, probe=["AP1:TGASTCA"])
    table = read_table(run.workdir / "evaluation" / "test.predictions.tsv")
    targets, called = table["label_target"], table["label_probability"] >= 0.5
    tn, fp, fn, tp = (int(cell) for cell in metrics.confusion_matrix(targets, called).ravel())
    assert result["confusion"]["at_half"] == {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    for scores in (result, result["baseline"]):
        at_threshold = scores["operating_points"][1]
        assert at_threshold["rule"] == "best F1 on valid"
        assert at_threshold["threshold"] == scores["threshold"]
        assert at_threshold["f1"] == scores["f1_at_threshold"]
        assert scores["calibration"]["temperature"] > 0
        assert sum(part["n"] for part in scores["calibration"]["bins"]) == 150
    for groups in result["groups"].values():
        assert sum(group["n"] for group in groups) == 150
        assert all("baseline_auroc" in group for group in groups)
    worst = result["mistakes"][0]
    assert worst["probability"] == pytest.approx(table["label_probability"][targets == 0].max())
    assert worst["sequence"] == noisy_splits()["test"][0][worst["row"]]
    assert [motif["name"] for motif in result["probes"]["motifs"]][-1] == "AP1"
    assert len(result["probes"]["motifs"]) == 4, "three words of the baseline, and one asked for"
    assert f"AUROC {result['auroc']:.4f} against" in result["verdict"]
    assert result["members"] is None


def test_several_tasks_have_details_each(write_motif_run, planted):
    texts, labels = planted(np.random.default_rng(0), 60)
    targets = np.stack([labels, 1 - labels], axis=1)
    splits = dict.fromkeys(("train", "valid", "test"), (texts, targets, None))
    run = write_motif_run(splits, tasks=("a", "b"), strands="none")
    result = evaluate(run.workdir, num_bootstrap=0)
    for scores in (result, result["baseline"]):
        assert "calibration" not in scores
        for task in ("a", "b"):
            assert {"calibration", "confusion", "operating_points"} <= set(scores["tasks"][task])
    assert "groups" in result["tasks"]["b"]
    assert {mistake["task"] for mistake in result["mistakes"]} == {"b"}
    # Every test sequence is a training sequence with the same labels.
    assert {mistake["in_train"] for mistake in result["mistakes"]} <= {"label 0", "label 1"}
    assert [motif["name"].split(":")[0] for motif in result["probes"]["motifs"]] == ["a", "b"]


def test_a_regression_has_groups_and_probes_and_nothing_of_classifiers(write_motif_run, planted):
    rng = np.random.default_rng(0)
    texts, labels = planted(rng, 60)
    splits = {name: (texts, labels + rng.normal(size=60), None) for name in ("train", "test")}
    run = write_motif_run(splits, task_type="regression")
    result = evaluate(run.workdir, num_bootstrap=20, reverse_complement=False)
    assert not {"calibration", "confusion", "operating_points", "mistakes"} & set(result)
    assert sum(group["n"] for group in result["groups"]["gc_content"]) == 60
    assert "baseline_pearson_r" in result["groups"]["gc_content"][0]
    assert result["probes"]["sequences"][0]["predictions"] == [-2]
    assert "Pearson r" in result["verdict"]


@pytest.mark.parametrize("name", ["dev", "Validation"])
def test_other_names_of_the_valid_split_are_read_as_valid(motif_run, name):
    result = evaluate(motif_run.workdir, name, num_bootstrap=0, baseline=False)
    assert result["split"] == "valid"
    assert (motif_run.workdir / "evaluation" / "valid.json").exists()


def test_one_run_can_be_written_elsewhere(motif_run, tmp_path):
    evaluate(motif_run.workdir, output=tmp_path / "new", num_bootstrap=0, baseline=False)
    assert (tmp_path / "new" / "test.json").exists()
    assert not (motif_run.workdir / "evaluation").exists()


def test_without_a_valid_split_there_is_no_threshold(write_motif_run, noisy_splits):
    splits = {name: rows for name, rows in noisy_splits().items() if name != "valid"}
    lines = []
    result = evaluate(write_motif_run(splits).workdir, num_bootstrap=0, log=lines.append)
    assert result["threshold"] is None
    assert result["f1_at_threshold"] is None
    assert lines == ["No threshold: the dataset has no valid split to choose it on."]


def test_without_a_train_split_there_is_no_baseline(write_motif_run, noisy_splits):
    splits = {name: rows for name, rows in noisy_splits().items() if name != "train"}
    lines = []
    result = evaluate(write_motif_run(splits).workdir, num_bootstrap=0, log=lines.append)
    assert result["baseline"] is None
    assert result["difference"] is None
    assert lines == ["No baseline: the dataset has no train split to fit it on."]


def test_the_valid_split_itself_comes_with_a_warning(motif_run):
    lines = []
    evaluate(motif_run.workdir, "valid", num_bootstrap=0, baseline=False, log=lines.append)
    assert lines == [
        "The threshold is chosen on the valid split itself: scores at it flatter the model."
    ]
    assert (motif_run.workdir / "evaluation" / "valid.json").exists()


def test_pictures_are_drawn_beside_the_scores(motif_run, with_pictures):
    rows = [{"step": step, "train": {"loss": 1 / step}, "valid": {"loss": 1}} for step in (1, 2)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (motif_run.workdir / "metrics.jsonl").write_text(lines)
    evaluate(motif_run.workdir, num_bootstrap=10)
    folder = motif_run.workdir / "evaluation"
    kinds = ("roc_pr", "calibration", "thresholds", "confusion", "groups")
    pictures = {"learning_curves.png", *(f"test.{kind}.png" for kind in kinds)}
    for name in pictures:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    found = {path.name for path in folder.iterdir()}
    assert found == {"test.json", "test.predictions.tsv", "test.resamples.npz"} | pictures


def test_without_matplotlib_there_are_scores_and_no_pictures(motif_run, monkeypatch):
    monkeypatch.setattr("genokeras.plots.figure.is_available", lambda: False)
    lines = []
    evaluate(motif_run.workdir, num_bootstrap=0, baseline=False, log=lines.append)
    assert lines == ["No pictures: they need matplotlib; pip install 'genokeras[plot]'."]
    found = {path.name for path in (motif_run.workdir / "evaluation").iterdir()}
    assert found == {"test.json", "test.predictions.tsv"}


def test_last_and_numbered_checkpoints(motif_run):
    options = {"num_bootstrap": 0, "baseline": False}
    for checkpoint in ("best", "last", 7, "7"):
        assert evaluate(motif_run.workdir, checkpoint=checkpoint, **options)["step"] == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "tset"}, "no split 'tset', there are train, valid, test. Did you mean 'test'?"),
        ({"checkpoint": "bets"}, "'bets'; there are best, last, 7. Did you mean 'best'?"),
        ({"checkpoint": 8}, "no checkpoint 8; there are best, last, 7"),
        ({"batch_size": 0}, "batch_size=0, expected at least 1"),
        ({"probe": ["TGACTCA"]}, "--probe=TGACTCA: expected NAME:WORD"),
        ({"output": "s3://bucket"}, "--output=s3://bucket: expected a folder of this machine"),
        ({"data_dir": "elsewhere"}, "elsewhere: no such folder"),
    ],
)  # fmt: skip
def test_mistakes_are_named(motif_run, options, message):
    with pytest.raises(InputError) as caught:
        evaluate(motif_run.workdir, **options)
    assert message in str(caught.value)
    assert not (motif_run.workdir / "evaluation").exists()


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(InputError, match="no run here, it has no config.json"):
        evaluate(tmp_path)


def test_a_model_that_gives_nan_is_refused(motif_run, monkeypatch):
    monkeypatch.setattr(
        "genokeras.evaluation.predictor.Predictor.logits",
        lambda self, packed: np.full((len(packed), 1), np.nan, np.float32),
    )
    with pytest.raises(InputError, match="not finite for 60 of 60 examples of split test"):
        evaluate(motif_run.workdir)
