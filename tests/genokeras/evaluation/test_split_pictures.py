import numpy as np
import pytest

from genokeras.evaluation import details, split_pictures
from genokeras.evaluation.answers import Answers
from genokeras.evaluation.scores import Labels, score_split


@pytest.fixture
def drawn(monkeypatch):
    """What would have been drawn: the curves, clouds and so on, and the title."""
    calls = []
    for name in ("draw_roc_pr", "draw_scatter"):
        monkeypatch.setattr(
            split_pictures, name, lambda parts, path, title: calls.append((parts, title))
        )
    return calls


@pytest.fixture
def all_drawn(drawn, monkeypatch):
    """What would have been drawn by the function of a name, and where."""
    calls = {}
    for name in ("confusion", "group_scores", "reliability", "threshold_curves"):
        monkeypatch.setattr(
            split_pictures,
            f"draw_{name}",
            lambda parts, *rest, name=name: calls.setdefault(name, (parts, *rest)),
        )
    return calls


def scored(task_type, num_tasks):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (50, num_tasks)).astype(np.float32)
    weight = np.ones_like(targets)
    weight[:10, 0] = 0
    tasks = tuple(f"tf{task}" for task in range(num_tasks))
    labels = Labels(task_type, tasks, targets, weight)
    logits = rng.normal(targets)
    scores = score_split(labels, logits, num_bootstrap=20).values
    return {"dataset": "gue", "split": "test", "baseline": scores, **scores}, labels, logits


def detailed(task_type, num_tasks, with_valid=True):
    """The same with what lies behind the scores, as `evaluate` adds it."""
    result, labels, logits = scored(task_type, num_tasks)
    options = {"num_bootstrap": 20, "seed": 0}
    values = {"gc_content": np.arange(50) / 50, "longest_repeat_bp": np.arange(50) % 7}
    groups = [
        {
            "groups": {
                name: details.group_scores(x, labels, column, logits, logits, **options)
                for name, x in values.items()
            }
        }
        for column in range(num_tasks)
    ]
    details.add_to_tasks(result, groups)
    if task_type == "binary":
        answers = Answers(logits, (labels, logits) if with_valid else None)
        found = list(details.classifier_details(labels, answers, **options))
        for scores in (result, result["baseline"]):
            details.add_to_tasks(scores, found)
    return result, labels, logits


def test_one_task_has_a_file_per_question(all_drawn, drawn, tmp_path):
    result, labels, logits = detailed("binary", 1)
    result["threshold"] = result["baseline"]["threshold"] = 0.4
    split_pictures.draw_pictures(result, labels, logits, logits, tmp_path)
    assert all_drawn["confusion"][1] == tmp_path / "test.confusion.png"
    titles = [matrix.title for matrix in all_drawn["confusion"][0]]
    assert titles == [
        *("model\nat 0.5", "model\nat the best F1 on valid"),
        *("6-mer baseline\nat 0.5", "6-mer baseline\nat the best F1 on valid"),
    ]
    curves, spread = all_drawn["reliability"][:2]
    assert [curve.label.split(": ECE")[0].rstrip("0123456789.") for curve in curves] == [
        *("model", "6-mer baseline", "model / temperature "),
    ]
    assert curves[0].bins == result["calibration"]["bins"]
    assert {name: len(values) for name, values in spread.items()} == {
        "positives": labels.targets[10:].sum(),
        "negatives": 40 - labels.targets[10:].sum(),
    }
    sweeps = all_drawn["threshold_curves"][0]
    assert [sweep.title for sweep in sweeps] == ["model", "6-mer baseline"]
    assert sweeps[0].chosen == {"best F1 on valid": 0.4, "0.5": 0.5}
    assert np.isnan(sweeps[0].curves["precision"][0]), "of one call"
    rows, _, ylabel, _ = all_drawn["group_scores"]
    assert [part.label for part in rows[0]] == ["GC content", "Longest simple repeat (bp)"]
    assert rows[0][0].scores == {"model": "auroc", "6-mer baseline": "baseline_auroc"}
    assert ylabel == "AUROC"
    assert len(drawn) == 1


def test_several_tasks_share_the_pictures(all_drawn, drawn, tmp_path):
    result, labels, logits = detailed("binary", 8)
    for column, task in enumerate(labels.tasks):
        if column != 1:
            result["tasks"][task]["confusion"]["at_threshold"] = None
    split_pictures.draw_pictures(result, labels, logits, logits, tmp_path)
    titles = [f"{task}\nat 0.5" for task in labels.tasks]
    titles[1] = "tf1\nat the best F1 on valid"
    assert [matrix.title for matrix in all_drawn["confusion"][0]] == titles
    assert [curve.label.split(":")[0] for curve in all_drawn["reliability"][0]] == [
        f"tf{task}" for task in range(6)
    ]
    assert [sweep.title for sweep in all_drawn["threshold_curves"][0]] == list(labels.tasks)
    assert [row[0].title for row in all_drawn["group_scores"][0]] == list(labels.tasks)


def test_without_a_valid_split_nothing_chosen_on_it_is_drawn(all_drawn, drawn, tmp_path):
    result, labels, logits = detailed("binary", 1, with_valid=False)
    result["baseline"] = None
    split_pictures.draw_pictures(result, labels, logits, None, tmp_path)
    assert [matrix.title for matrix in all_drawn["confusion"][0]] == ["model\nat 0.5"]
    assert len(all_drawn["reliability"][0]) == 1
    assert all_drawn["threshold_curves"][0][0].chosen == {"0.5": 0.5}
    assert all_drawn["group_scores"][0][0][0].scores == {"model": "auroc"}


@pytest.mark.parametrize("num_tasks", [1, 2])
@pytest.mark.parametrize("has_labels", [True, False])
def test_a_split_of_one_class_or_without_labels_has_its_pictures(tmp_path, num_tasks, has_labels):
    result, labels, logits = detailed("binary", num_tasks)
    labels.targets[:] = 1
    labels.weight[:] = has_labels
    answers = Answers(logits, None)
    options = {"num_bootstrap": 20, "seed": 0}
    scores = score_split(labels, logits, **options).values
    details.add_to_tasks(scores, details.classifier_details(labels, answers, **options))
    groups = details.group_scores(np.arange(50.0), labels, 0, logits, None, **options)
    details.add_to_tasks(scores, [{"groups": {"gc_content": groups}}] * num_tasks)
    result = {"dataset": "gue", "split": "test", "baseline": None, **scores}
    split_pictures.draw_pictures(result, labels, logits, None, tmp_path)
    names = {f"test.{kind}.png" for kind in split_pictures.KINDS["binary"]}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_regression_has_points_and_groups(all_drawn, drawn, tmp_path):
    result, labels, predictions = detailed("regression", 2)
    split_pictures.draw_pictures(result, labels, predictions, predictions, tmp_path)
    assert set(all_drawn) == {"group_scores"}
    assert all_drawn["group_scores"][2] == "Pearson r"
    clouds, _ = drawn[0]
    names = [(cloud.task, cloud.is_baseline) for cloud in clouds]
    assert names == [("tf0", False), ("tf0", True), ("tf1", False), ("tf1", True)]


def test_one_task_is_labelled_by_model_and_baseline(drawn):
    result, labels, logits = scored("binary", 1)
    split_pictures.draw_split(result, labels, logits, logits, "unused.png")
    (model, baseline), title = drawn[0]
    assert title == "gue, test split: 40 examples"
    low, high = result["auroc_ci"]
    assert model.auroc == f"model: AUROC {result['auroc']:.3f} [{low:.3f}, {high:.3f}]"
    assert baseline.auprc.startswith("6-mer baseline: AUPRC 0.")
    assert (model.is_baseline, baseline.is_baseline) == (False, True)
    assert len(model.scores) == 40, "missing labels are left out"


@pytest.mark.parametrize(("num_tasks", "num_curves"), [(2, 4), (4, 4)])
def test_several_tasks_have_a_curve_each_and_few_of_them_the_baseline(drawn, num_tasks, num_curves):
    result, labels, logits = scored("binary", num_tasks)
    split_pictures.draw_split(result, labels, logits, logits, "unused.png")
    curves, _ = drawn[0]
    assert len(curves) == num_curves
    assert curves[1].auroc.startswith(f"tf1: AUROC {result['tasks']['tf1']['auroc']:.3f}")
    baselines = [curve.auprc.split(": AUPRC")[0] for curve in curves if curve.is_baseline]
    assert baselines == ["tf0, 6-mer baseline", "tf1, 6-mer baseline"][: num_curves - num_tasks]


def test_without_a_baseline_there_is_one_curve(drawn):
    result, labels, logits = scored("binary", 1)
    split_pictures.draw_split({**result, "baseline": None}, labels, logits, None, "unused.png")
    assert len(drawn[0][0]) == 1


def test_an_undefined_score_is_said_to_be(drawn):
    result, labels, logits = scored("binary", 1)
    result |= {"auroc": None, "auroc_ci": None}
    split_pictures.draw_split(result, labels, logits, None, "unused.png")
    assert drawn[0][0][0].auroc == "model: AUROC undefined"


def test_a_regression_is_drawn_as_points(drawn):
    result, labels, predictions = scored("regression", 2)
    split_pictures.draw_split(result, labels, predictions, None, "unused.png")
    clouds, _ = drawn[0]
    assert [len(cloud.targets) for cloud in clouds] == [40, 50]
    assert clouds[0].title.startswith("tf0, model\nPearson r 0.")
